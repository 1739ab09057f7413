// SPDX-License-Identifier: Apache-2.0
'use strict';
// many.js NAME URL CREDENTIALS grow|change ITEMS: see ./many.
const fs = require('fs');
const [name, url, credentials, what, items] = process.argv.slice(2);
const known = JSON.parse(fs.readFileSync(credentials, 'utf8'));
const portion = 50;
let token = '';

async function post(path, body) {
  const answer = await fetch(url + path, { method: body ? 'POST' : 'GET', body: body && JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  token = answer.headers.get('vendure-auth-token') || token;
  const said = await answer.json();
  if (!answer.ok || said.errors) throw new Error(`${path}: ${answer.status} ${JSON.stringify(said).slice(0, 400)}`);
  return said;
}
const sku = n => `MANY-${String(n).padStart(5, '0')}`;
const title = n => `批量商品 ${n}`;
const fen = n => 990 + (n % 300) * 100;
const numbers = (first, end) => Array.from({ length: end - first }, (_, i) => first + i);

// Each: log_in(), count(), add(numbers), reprice(count, offset in fen).
const vendure = {
  async log_in() {
    await this.ask('mutation($u:String!,$p:String!){login(username:$u,password:$p){__typename}}', { u: known.adminUser, p: known.adminPassword });
  },
  async ask(query, variables) { return (await post('/admin-api', { query, variables })).data; },
  async count() { return (await this.ask('{productVariants(options:{take:1}){totalItems}}')).productVariants.totalItems; },
  async add(some) {
    const made = await this.ask(`mutation(${some.map(n => `$p${n}:CreateProductInput!`)}){${some.map(n => `p${n}:createProduct(input:$p${n}){id}`)}}`,
      Object.fromEntries(some.map(n => [`p${n}`, { enabled: true, translations: [{ languageCode: 'zh', name: title(n), slug: `many-${n}`, description: '' }] }])));
    await this.ask('mutation($i:[CreateProductVariantInput!]!){createProductVariants(input:$i){id}}', { i: some.map(n => ({ productId: made[`p${n}`].id,
      sku: sku(n), price: fen(n), stockOnHand: 100, trackInventory: 'TRUE', translations: [{ languageCode: 'zh', name: title(n) }] })) });
  },
  async reprice(count, offset) {
    const { productVariants } = await this.ask('query($n:Int!){productVariants(options:{take:$n,sort:{id:ASC},filter:{sku:{contains:"MANY-"}}}){items{id price}}}', { n: count });
    await this.ask('mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}',
      { i: productVariants.items.map((v, i) => ({ id: v.id, price: fen(i) + offset })) });
  },
};

const medusa = {
  async log_in() { token = (await post('/auth/user/emailpass', { email: known.adminUser, password: known.adminPassword })).token; },
  async count() { return (await post('/admin/product-variants?limit=1&fields=id')).count; },
  async add(some) {
    const made = (await post('/admin/products/batch?fields=id,*variants.inventory_items', { create: some.map(n => ({ title: title(n), handle: `many-${n}`, status: 'published',
      sales_channels: [{ id: known.salesChannelId }], shipping_profile_id: known.shippingProfileId, options: [{ title: '规格', values: ['标准'] }],
      variants: [{ title: '标准', sku: sku(n), manage_inventory: true, options: { 规格: '标准' }, prices: [{ currency_code: 'cny', amount: fen(n) / 100 }] }] })) })).created;
    await post('/admin/inventory-items/location-levels/batch', { create: made.flatMap(p => p.variants).map(v => (
      { inventory_item_id: v.inventory_items[0].inventory_item_id, location_id: known.locationId, stocked_quantity: 100 })) });
  },
  async reprice(count, offset) {
    const { variants } = await post(`/admin/product-variants?limit=${count}&order=sku&q=MANY-&fields=id,product_id`);
    for (const [i, v] of variants.entries())
      await post(`/admin/products/${v.product_id}/variants/${v.id}?fields=id`, { prices: [{ currency_code: 'cny', amount: (fen(i) + offset) / 100 }] });
  },
};

(async () => {
  const shop = { vendure, medusa }[name];
  await shop.log_in();
  if (what === 'grow') {
    for (let at = await shop.count(); at < items; at += portion) await shop.add(numbers(at, Math.min(at + portion, Number(items))));
  } else {
    await shop.reprice(Number(items), 1 + (Date.now() % 90)); // fen that no price had: the change is one
  }
})().catch(error => { console.error(error.message); process.exit(1); });
