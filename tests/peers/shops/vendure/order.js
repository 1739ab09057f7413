// SPDX-License-Identifier: Apache-2.0
'use strict';
// order.js URL CREDENTIALS SKU [QUANTITY] [HOW]: see ../order. The shop API needs no credentials.
const [url, , sku, quantity = '1', how = ''] = process.argv.slice(2);
let token = '';

function refuse(code, message) {
  console.log(JSON.stringify({ refused: code, message }));
  process.exit(3);
}
async function gql(query, variables) {
  const answer = await fetch(`${url}/shop-api`, { method: 'POST', body: JSON.stringify({ query, variables }),
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) } });
  token = answer.headers.get('vendure-auth-token') || token;
  const { data, errors } = await answer.json();
  if (errors) refuse(errors[0].extensions?.code, errors[0].message);
  const result = Object.values(data)[0];
  if (result?.errorCode) refuse(result.errorCode, result.message);
  return result;
}
const orError = '... on ErrorResult{errorCode message}';
const pay = (method, metadata = {}) => gql(`mutation($i:PaymentInput!){addPaymentToOrder(input:$i){... on Order{id code state totalWithTax
  payments{amount state}} ${orError}}}`, { i: { method, metadata } });

(async () => {
  const product = await gql('query($s:String!){product(slug:$s){variants{id sku}}}', { s: `item-${sku.split('-')[1]}` }); // as in catalogue.js
  const variant = product?.variants.find(v => v.sku === sku);
  if (!variant) refuse('UNKNOWN_SKU');
  await gql(`mutation($v:ID!,$q:Int!){addItemToOrder(productVariantId:$v,quantity:$q){${orError}}}`, { v: variant.id, q: Number(quantity) });
  await gql(`mutation{setCustomerForOrder(input:{firstName:"伟",lastName:"王",emailAddress:"buyer@example.com",phoneNumber:"13800000000"}){${orError}}}`);
  await gql(`mutation{setOrderShippingAddress(input:{fullName:"王伟",streetLine1:"中山路1号",city:"杭州",province:"浙江",postalCode:"310000",countryCode:"CN"}){${orError}}}`);
  const [method] = await gql('{eligibleShippingMethods{id}}');
  await gql(`mutation($i:[ID!]!){setOrderShippingMethod(shippingMethodId:$i){${orError}}}`, { i: [method.id] });
  await gql(`mutation{transitionOrderToState(state:"ArrangingPayment"){${orError}}}`);
  let order = how === 'deposit' || how === 'balance' ? await pay('deposit') : await pay('dummy', how === 'decline' ? { shouldDecline: true } : {});
  if (how === 'balance') order = await pay('deposit');
  console.log(JSON.stringify({ order: order.id, number: order.code, total_minor: order.totalWithTax,
    paid_minor: order.payments.filter(p => p.state === 'Settled').reduce((sum, p) => sum + p.amount, 0), state: order.state }));
})().catch(error => { console.error(error.message); process.exit(1); });
