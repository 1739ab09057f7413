// SPDX-License-Identifier: Apache-2.0
'use strict';
// Fills an empty Vendure at SHOP_URL through its own admin API, and prints what a client needs to know.
const { categories, makeProducts, makeTimedPrices, makePng } = require('../catalogue');
const { secret } = require('../webhook');

const user = 'superadmin', password = 'shop-password';
let token = '';

async function gql(query, variables, file) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  let body = JSON.stringify({ query, variables });
  if (file) { // GraphQL multipart request
    const operations = body;
    body = new FormData();
    body.set('operations', operations);
    body.set('map', JSON.stringify({ 0: [file.at] }));
    body.set('0', new Blob([file.data], { type: 'image/png' }), file.name);
    headers['apollo-require-preflight'] = 'true';
  } else {
    headers['content-type'] = 'application/json';
  }
  const answer = await fetch(`${process.env.SHOP_URL}/admin-api`, { method: 'POST', body, headers });
  token = answer.headers.get('vendure-auth-token') || token;
  const { data, errors } = await answer.json();
  const refused = data && Object.values(data)[0]?.errorCode;
  if (errors || refused) throw new Error(`${JSON.stringify(errors ? errors[0] : data)}\n${query}`);
  return data && Object.values(data)[0];
}
// create('Zone', {...}) calls createZone(input: {...}) and gives its id
const create = async (what, input) => (await gql(`mutation($i:Create${what}Input!){create${what}(input:$i){id}}`, { i: input })).id;
const zh = texts => [{ languageCode: 'zh', ...texts }];
const args = list => Object.entries(list).map(([name, value]) => ({ name, value: String(value) }));

async function seedShop() {
  await gql('mutation($u:String!,$p:String!){login(username:$u,password:$p){... on CurrentUser{id} ... on ErrorResult{errorCode}}}', { u: user, p: password });
  const zone = await create('Zone', { name: '中国' });
  const country = await create('Country', { code: 'CN', enabled: true, translations: zh({ name: '中国' }) });
  await gql('mutation($z:ID!,$m:[ID!]!){addMembersToZone(zoneId:$z,memberIds:$m){id}}', { z: zone, m: [country] });
  const taxCategoryId = await create('TaxCategory', { name: '标准', isDefault: true });
  await create('TaxRate', { name: '含税13%', value: 13, enabled: true, categoryId: taxCategoryId, zoneId: zone });
  await gql('mutation{updateGlobalSettings(input:{availableLanguages:[zh,en],trackInventory:true}){... on ErrorResult{errorCode}}}');
  await gql('mutation($i:UpdateChannelInput!){updateChannel(input:$i){... on ErrorResult{errorCode message}}}', { i: {
    id: (await gql('{activeChannel{id}}')).id, defaultLanguageCode: 'zh', availableLanguageCodes: ['zh', 'en'],
    availableCurrencyCodes: ['CNY'], defaultCurrencyCode: 'CNY', pricesIncludeTax: true, defaultTaxZoneId: zone, defaultShippingZoneId: zone } });
  await create('ShippingMethod', {
    code: 'standard', fulfillmentHandler: 'manual-fulfillment', translations: zh({ name: '包邮', description: '' }),
    checker: { code: 'default-shipping-eligibility-checker', arguments: args({ orderMinimum: 0 }) },
    calculator: { code: 'default-shipping-calculator', arguments: args({ rate: 0, includesTax: 'auto', taxRate: 0 }) } });
  await create('PaymentMethod', { code: 'dummy', enabled: true, translations: zh({ name: '测试支付', description: '' }),
    handler: { code: 'dummy-payment-handler', arguments: args({ automaticSettle: true }) } });
  await create('PaymentMethod', { code: 'deposit', enabled: true, translations: zh({ name: '定金支付', description: '' }),
    handler: { code: 'deposit-payment-handler', arguments: args({ depositPercent: 20 }) } });
  return taxCategoryId;
}

// A facet value and a collection each; gives the facet values' ids by the category's code.
async function seedCategories() {
  const facet = await gql('mutation($i:CreateFacetInput!){createFacet(input:$i){values{id code}}}', { i: { code: 'category', isPrivate: false,
    translations: zh({ name: '类目' }), values: categories.map(c => ({ code: c.code, translations: zh({ name: c.name }) })) } });
  const ids = Object.fromEntries(facet.values.map(v => [v.code, v.id]));
  for (const c of categories) {
    await create('Collection', { isPrivate: false, translations: zh({ name: c.name, slug: c.code, description: '' }),
      filters: [{ code: 'facet-value-filter', arguments: args({ facetValueIds: JSON.stringify([ids[c.code]]), containsAny: false }) }] });
  }
  return ids;
}

// Gives the ids of its variants by SKU.
async function seedProduct(p, taxCategoryId, facetValueId) {
  const [asset] = await gql('mutation($i:[CreateAssetInput!]!){createAssets(input:$i){... on Asset{id} ... on ErrorResult{errorCode}}}',
    { i: [{ file: null }] }, { at: 'variables.i.0.file', data: makePng(p.n), name: `${p.code}.png` });
  const productId = await create('Product', { enabled: p.isListed, featuredAssetId: asset.id, assetIds: [asset.id], facetValueIds: [facetValueId],
    customFields: { presale: p.isPresale }, translations: zh({ name: p.name, slug: p.slug, description: p.description }) });
  const group = await gql('mutation($i:CreateProductOptionGroupInput!){createProductOptionGroup(input:$i){id options{id code}}}', { i: {
    code: `${p.code}-option`, translations: zh({ name: p.optionName }),
    options: p.variants.map((v, i) => ({ code: `o${i}`, translations: zh({ name: v.option }) })) } });
  await gql('mutation($p:ID!,$g:ID!){addOptionGroupToProduct(productId:$p,optionGroupId:$g){id}}', { p: productId, g: group.id });
  const made = await gql('mutation($i:[CreateProductVariantInput!]!){createProductVariants(input:$i){id sku}}', { i: p.variants.map((v, i) => ({
    productId, enabled: true, sku: v.sku, taxCategoryId, price: v.price, stockOnHand: v.stock, trackInventory: 'TRUE',
    optionIds: [group.options.find(o => o.code === `o${i}`).id], customFields: { compareAtPrice: v.compareAt, barcode: v.barcode },
    translations: zh({ name: `${p.name} ${v.option}` }) })) });
  return Object.fromEntries(made.map(v => [v.sku, v.id]));
}

// Even ones are in the custom fields and show in the listed price, odd ones are Vendure's own promotions and show in the cart.
async function seedTimedPrice(timed, isListed, variantIds) {
  if (isListed) {
    await gql('mutation($i:[UpdateProductVariantInput!]!){updateProductVariants(input:$i){id}}', { i: timed.prices.map(x => ({ id: variantIds[x.sku],
      customFields: { promoPrice: x.price, promoStartsAt: timed.startsAt, promoEndsAt: timed.endsAt } })) });
    return;
  }
  const productVariantIds = JSON.stringify(timed.prices.map(x => variantIds[x.sku]));
  await gql('mutation($i:CreatePromotionInput!){createPromotion(input:$i){... on ErrorResult{errorCode message}}}', { i: {
    enabled: true, startsAt: timed.startsAt, endsAt: timed.endsAt, translations: zh({ name: timed.name, description: timed.code }),
    conditions: [{ code: 'contains_products', arguments: args({ minimum: 1, productVariantIds }) }],
    actions: [{ code: 'products_percentage_discount', arguments: args({ discount: 30, productVariantIds }) }] } });
}

(async () => {
  const products = makeProducts(), timedPrices = makeTimedPrices(products), variantIds = {};
  const taxCategoryId = await seedShop();
  const facetValues = await seedCategories();
  for (const p of products) Object.assign(variantIds, await seedProduct(p, taxCategoryId, facetValues[p.category]));
  for (const [i, timed] of timedPrices.entries()) await seedTimedPrice(timed, i % 2 === 0, variantIds);
  const role = await create('Role', { code: 'studio', description: '直播间同步', permissions: ['ReadCatalog', 'UpdateCatalog', 'CreateCatalog', 'ReadOrder',
    'UpdateOrder', 'ReadPromotion', 'CreatePromotion', 'UpdatePromotion', 'DeletePromotion', 'ReadStockLocation', 'ReadSettings'] });
  const { apiKey } = await gql('mutation($i:CreateApiKeyInput!){createApiKey(input:$i){apiKey}}', { i: { roleIds: [role], translations: zh({ name: 'studio' }) } });
  console.log(JSON.stringify({ backend: 'vendure', products: products.length, variants: Object.keys(variantIds).length, timedPrices: timedPrices.length,
    apiKey, header: 'vendure-api-key', adminUser: user, adminPassword: password, webhookSecret: secret }));
})().catch(error => { console.error(error.message); process.exit(1); });
