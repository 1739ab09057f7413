// SPDX-License-Identifier: Apache-2.0
'use strict';
// Vendure as a shop that sells live would configure it. From the environment: SHOP_DATA, SHOP_PORT, SHOP_WEBHOOK_URL.
const fs = require('fs');
const path = require('path');
const { AssetServerPlugin } = require('@vendure/asset-server-plugin');
const { DefaultLogger, LogLevel, LanguageCode, dummyPaymentHandler, PaymentMethodHandler } = require('@vendure/core');
const { EventPlugin } = require('./events');

const data = process.env.SHOP_DATA, port = Number(process.env.SHOP_PORT);
const database = path.join(data, 'vendure.sqlite');
fs.mkdirSync(path.join(data, 'assets'), { recursive: true });

// Charges a part of the total first, the rest at the next payment.
const depositPaymentHandler = new PaymentMethodHandler({
  code: 'deposit-payment-handler',
  description: [{ languageCode: LanguageCode.en, value: 'Deposit first, balance later' }],
  args: { depositPercent: { type: 'int', required: true, defaultValue: 20 } },
  createPayment: async (ctx, order, amount, args, metadata) => {
    const isFirst = amount === order.totalWithTax;
    return {
      amount: isFirst ? Math.round(amount * args.depositPercent / 100) : amount,
      state: 'Settled', transactionId: `${isFirst ? 'dep' : 'bal'}-${order.code}`, metadata,
    };
  },
  settlePayment: async () => ({ success: true }),
});

// Vendure has no timed price of its own: custom fields hold one for [promoStartsAt, promoEndsAt), and this applies it in
// listings and carts. One tax zone and prices with tax included, so nothing is converted.
class TimedPriceStrategy {
  async calculate({ inputPrice, productVariant, ctx }) {
    const { promoPrice, promoStartsAt, promoEndsAt } = productVariant?.customFields ?? {};
    const now = Date.now();
    const isRunning = promoPrice != null && promoStartsAt && promoEndsAt && now >= +new Date(promoStartsAt) && now < +new Date(promoEndsAt);
    return { price: isRunning ? promoPrice : inputPrice, priceIncludesTax: ctx.channel.pricesIncludeTax };
  }
}

exports.config = {
  logger: new DefaultLogger({ level: LogLevel.Info, timestamp: true }),
  defaultLanguageCode: LanguageCode.zh,
  apiOptions: { hostname: '127.0.0.1', port, adminApiPath: 'admin-api', shopApiPath: 'shop-api', adminListQueryLimit: 1000, shopListQueryLimit: 200, cors: { origin: false } },
  authOptions: {
    tokenMethod: ['bearer', 'api-key'],
    superadminCredentials: { identifier: 'superadmin', password: 'shop-password' },
    cookieOptions: { secret: 'shop-cookie-secret' },
    requireVerification: false,
  },
  dbConnectionOptions: {
    type: 'better-sqlite3', database, synchronize: !fs.existsSync(database), logging: false,
    prepareDatabase: db => { db.pragma('journal_mode = WAL'); db.pragma('synchronous = OFF'); db.pragma('busy_timeout = 5000'); },
  },
  catalogOptions: { productVariantPriceCalculationStrategy: new TimedPriceStrategy() },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler, depositPaymentHandler] },
  customFields: {
    Product: [{ name: 'presale', type: 'boolean', defaultValue: false, public: true }],
    ProductVariant: [
      { name: 'compareAtPrice', type: 'int', nullable: true, public: true },
      { name: 'promoPrice', type: 'int', nullable: true, public: true },
      { name: 'promoStartsAt', type: 'datetime', nullable: true, public: true },
      { name: 'promoEndsAt', type: 'datetime', nullable: true, public: true },
      { name: 'promoOperation', type: 'string', nullable: true, public: false }, // whose it is
      { name: 'barcode', type: 'string', nullable: true, public: true },
    ],
  },
  plugins: [
    AssetServerPlugin.init({ route: 'assets', assetUploadDir: path.join(data, 'assets'), assetUrlPrefix: `http://127.0.0.1:${port}/assets/` }),
    ...(process.env.SHOP_WEBHOOK_URL ? [EventPlugin] : []),
  ],
};
