// SPDX-License-Identifier: Apache-2.0
'use strict';
// Fills an empty Medusa at SHOP_URL through its own admin API, and prints what a client needs to know.
const { categories, makeProducts, makeTimedPrices, makePng } = require('../catalogue');
const { secret } = require('../webhook');

const user = 'shop@example.com', password = 'shop-password';
let token = '';

async function call(method, path, body) {
  const isForm = body instanceof FormData;
  const answer = await fetch(process.env.SHOP_URL + path, { method, body: body && !isForm ? JSON.stringify(body) : body,
    headers: { ...(body && !isForm ? { 'content-type': 'application/json' } : {}), ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 400)}`);
  return JSON.parse(text);
}
const get = path => call('GET', path), post = (path, body) => call('POST', path, body);
const yuan = fen => fen / 100; // Medusa's unit of money

// The shop itself, one warehouse, free shipping; gives the ids that others need.
async function seedShop() {
  token = (await post('/auth/user/emailpass', { email: user, password })).token;
  const store = (await get('/admin/stores')).stores[0];
  const channel = (await get('/admin/sales-channels')).sales_channels[0] || (await post('/admin/sales-channels', { name: '直播间' })).sales_channel;
  const location = (await post('/admin/stock-locations', { name: '杭州仓', address: { address_1: '中山路1号', city: '杭州', country_code: 'cn' } })).stock_location;
  await post(`/admin/stores/${store.id}`, { name: '测试小店', supported_currencies: [{ currency_code: 'cny', is_default: true, is_tax_inclusive: true }],
    default_sales_channel_id: channel.id, default_location_id: location.id });
  const region = (await post('/admin/regions', { name: '中国', currency_code: 'cny', countries: ['cn'], payment_providers: ['pp_system_default'],
    automatic_taxes: false, is_tax_inclusive: true })).region;
  await post(`/admin/stock-locations/${location.id}/sales-channels`, { add: [channel.id] });
  await post(`/admin/stock-locations/${location.id}/fulfillment-providers`, { add: ['manual_manual'] });
  const set = (await post(`/admin/stock-locations/${location.id}/fulfillment-sets?fields=*fulfillment_sets`,
    { name: '快递', type: 'shipping' })).stock_location.fulfillment_sets[0];
  const zone = (await post(`/admin/fulfillment-sets/${set.id}/service-zones?fields=*service_zones`,
    { name: '全国', geo_zones: [{ type: 'country', country_code: 'cn' }] })).fulfillment_set.service_zones[0];
  const profile = (await get('/admin/shipping-profiles')).shipping_profiles[0] ||
    (await post('/admin/shipping-profiles', { name: '默认', type: 'default' })).shipping_profile;
  const option = (await post('/admin/shipping-options', { name: '包邮', service_zone_id: zone.id, shipping_profile_id: profile.id, provider_id: 'manual_manual',
    price_type: 'flat', type: { label: '标准', description: '包邮', code: 'standard' }, prices: [{ currency_code: 'cny', amount: 0 }], rules: [] })).shipping_option;
  return { regionId: region.id, locationId: location.id, salesChannelId: channel.id, shippingOptionId: option.id, shippingProfileId: profile.id };
}

// A marked-down variant's own price is the crossed-out one; what it usually costs is in a price list (below).
async function seedProduct(p, shop, categoryId) {
  const form = new FormData();
  form.set('files', new Blob([makePng(p.n)], { type: 'image/png' }), `${p.code}.png`);
  const { url } = (await post('/admin/uploads', form)).files[0];
  return (await post('/admin/products?fields=id,*variants,*variants.inventory_items', {
    title: p.name, handle: p.slug, description: p.description, status: p.isListed ? 'published' : 'draft', external_id: p.code,
    thumbnail: url, images: [{ url }], categories: [{ id: categoryId }], sales_channels: [{ id: shop.salesChannelId }],
    shipping_profile_id: shop.shippingProfileId, metadata: { presale: p.isPresale }, options: [{ title: p.optionName, values: p.variants.map(v => v.option) }],
    variants: p.variants.map(v => ({ title: v.option, sku: v.sku, barcode: v.barcode, manage_inventory: true, allow_backorder: false,
      options: { [p.optionName]: v.option }, prices: [{ currency_code: 'cny', amount: yuan(v.compareAt ?? v.price) }] })),
  })).product.variants;
}

(async () => {
  const products = makeProducts(), timedPrices = makeTimedPrices(products), variants = products.flatMap(p => p.variants);
  const shop = await seedShop();
  const categoryIds = {}, variantIds = {}, levels = [];
  for (const c of categories) categoryIds[c.code] = (await post('/admin/product-categories', { name: c.name, handle: c.code, is_active: true })).product_category.id;
  for (const p of products) {
    for (const made of await seedProduct(p, shop, categoryIds[p.category])) {
      variantIds[made.sku] = made.id;
      levels.push({ inventory_item_id: made.inventory_items[0].inventory_item_id, location_id: shop.locationId,
        stocked_quantity: p.variants.find(v => v.sku === made.sku).stock });
    }
  }
  for (let i = 0; i < levels.length; i += 100) await post('/admin/inventory-items/location-levels/batch', { create: levels.slice(i, i + 100) });

  const priced = list => list.map(x => ({ variant_id: variantIds[x.sku], currency_code: 'cny', amount: yuan(x.price) }));
  await post('/admin/price-lists', { title: '日常价', description: '划线价商品的日常售价', type: 'sale', status: 'active', prices: priced(variants.filter(v => v.compareAt != null)) });
  for (const timed of timedPrices) {
    await post('/admin/price-lists', { title: timed.name, description: timed.code, type: 'sale', status: 'active',
      starts_at: timed.startsAt, ends_at: timed.endsAt, prices: priced(timed.prices) });
  }
  const secretKey = (await post('/admin/api-keys', { title: '直播间同步', type: 'secret' })).api_key.token;
  const publishable = (await post('/admin/api-keys', { title: '店铺前台', type: 'publishable' })).api_key;
  await post(`/admin/api-keys/${publishable.id}/sales-channels`, { add: [shop.salesChannelId] });
  console.log(JSON.stringify({ backend: 'medusa', products: products.length, variants: Object.keys(variantIds).length, timedPrices: timedPrices.length,
    secretKey, publishableKey: publishable.token, ...shop, adminUser: user, adminPassword: password, webhookSecret: secret }));
})().catch(error => { console.error(error.message); process.exit(1); });
