// SPDX-License-Identifier: Apache-2.0
'use strict';
// order.js URL CREDENTIALS SKU [QUANTITY] [HOW]: see ../order. The customer's card is only authorised; capturing is the shop's act.
const fs = require('fs');

const [url, credentials, sku, quantity = '1', how = ''] = process.argv.slice(2);
const known = JSON.parse(fs.readFileSync(credentials, 'utf8'));
const customer = { 'x-publishable-api-key': known.publishableKey };
const shop = { authorization: 'Basic ' + Buffer.from(`${known.secretKey}:`).toString('base64') };

function refuse(code, message) {
  console.log(JSON.stringify({ refused: code, message }));
  process.exit(3);
}
async function call(who, method, path, body) {
  const answer = await fetch(url + path, { method, headers: { 'content-type': 'application/json', ...who }, body: body && JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) refuse(json.code || json.type || answer.status, json.message);
  return json;
}
const post = (path, body) => call(customer, 'POST', path, body);
const minor = amount => Math.round(amount * 100);

(async () => {
  const handle = `item-${sku.split('-')[1]}`; // as in catalogue.js
  const { products } = await call(customer, 'GET', `/store/products?handle=${handle}&fields=id,variants.id,variants.sku`);
  const variant = products.flatMap(p => p.variants).find(v => v.sku === sku);
  if (!variant) refuse('unknown_sku');
  const cart = `/store/carts/${(await post('/store/carts?fields=id', { region_id: known.regionId, email: 'buyer@example.com' })).cart.id}`;
  await post(`${cart}/line-items?fields=id`, { variant_id: variant.id, quantity: Number(quantity) });
  await post(`${cart}?fields=id`, { shipping_address: { first_name: '伟', last_name: '王', address_1: '中山路1号', city: '杭州', province: '浙江',
    postal_code: '310000', country_code: 'cn', phone: '13800000000' } });
  await post(`${cart}/shipping-methods?fields=id`, { option_id: known.shippingOptionId });
  const payment = (await post('/store/payment-collections', { cart_id: cart.split('/').pop() })).payment_collection.id;
  await post(`/store/payment-collections/${payment}/payment-sessions`, { provider_id: 'pp_system_default' });
  const done = await post(`${cart}/complete?fields=id,display_id,status,total`);
  if (done.type !== 'order') refuse(done.error?.type, done.error?.message);

  const total = minor(done.order.total), paid = how === 'paid' ? total : how === 'deposit' ? Math.round(total / 5) : 0;
  if (paid) {
    const { order } = await call(shop, 'GET', `/admin/orders/${done.order.id}?fields=id,payment_collections.payments.id`);
    await call(shop, 'POST', `/admin/payments/${order.payment_collections[0].payments[0].id}/capture`, { amount: paid / 100 });
  }
  console.log(JSON.stringify({ order: done.order.id, number: String(done.order.display_id), total_minor: total, paid_minor: paid, state: done.order.status }));
})().catch(error => { console.error(error.message); process.exit(1); });
