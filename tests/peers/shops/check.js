// SPDX-License-Identifier: Apache-2.0
'use strict';
// check.js NAME...: see ./check. Prints one line for each thing that holds; the first that does not ends it.
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');
const { execFile, spawn } = require('child_process');
const { makeProducts, makeTimedPrices } = require('./catalogue');

const products = makeProducts(), variants = products.flatMap(p => p.variants);
const timed = new Set(makeTimedPrices(products).flatMap(t => t.prices.map(x => x.sku)));
const usual = variants.filter((v, i) => i > 3 && v.stock > 10 && !timed.has(v.sku)), soldOut = variants.find(v => v.stock === 0);

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const isOpen = port => new Promise(resolve => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
});
const isRunning = pid => {
  try { return !/^State:\s*Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; }
};
async function until(what, condition, seconds) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) if (await condition()) return;
  assert.fail(`not within ${seconds} s: ${what}`);
}
const freePort = () => new Promise(resolve => {
  const server = net.createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});
const pidIn = file => { try { return Number(fs.readFileSync(file, 'utf8').split('\n')[0]); } catch { return 0; } };

// Counts and the first photo's address, as the studio asks for them.
const ask = {
  async vendure(url, known) {
    const answer = await fetch(`${url}/admin-api`, { method: 'POST', headers: { 'content-type': 'application/json', [known.header]: known.apiKey },
      body: '{"query":"{products(options:{take:1}){totalItems items{name featuredAsset{preview}}} productVariants(options:{take:1}){totalItems} orders(options:{take:1}){totalItems}}"}' });
    const { data } = await answer.json();
    return { products: data.products.totalItems, variants: data.productVariants.totalItems, orders: data.orders.totalItems, photo: data.products.items[0].featuredAsset.preview };
  },
  async medusa(url, known) {
    const headers = { authorization: 'Basic ' + Buffer.from(`${known.secretKey}:`).toString('base64') };
    const get = async what => (await fetch(`${url}/admin/${what}`, { headers })).json();
    const list = await get('products?limit=1&fields=thumbnail');
    return { products: list.count, variants: (await get('product-variants?limit=1&fields=id')).count, orders: (await get('orders?limit=1&fields=id')).count, photo: list.products[0].thumbnail };
  },
};

// Starts `ready` and gives its process, once it has said its line, with what the line says.
async function start(name, data, port, webhook = [], wrap = []) {
  const [program, ...args] = [...wrap, path.join(__dirname, 'ready'), name, data, String(port), ...webhook];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const began = Date.now();
  let said = '';
  child.stdout.on('data', part => { said += part; });
  await until('ready says its line', () => said.includes('\n') || child.exitCode !== null, 1200);
  assert.ok(said.includes('\n'), 'ready ended');
  return { child, ...JSON.parse(said), seconds: ((Date.now() - began) / 1000).toFixed(1) };
}
const ended = child => new Promise(resolve => (child.exitCode !== null ? resolve(child.exitCode) : child.on('exit', resolve)));

async function check(name, folder) {
  const holds = what => console.log(`${name}: ${what}`);
  const data = path.join(folder, name), hooks = [];
  const sink = http.createServer((request, response) => {
    const parts = [];
    request.on('data', part => parts.push(part)).on('end', () => { hooks.push({ headers: request.headers, body: Buffer.concat(parts) }); response.writeHead(204).end(); });
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => sink.on('listening', resolve));
  let port = await freePort();
  let shop = await start(name, data, port, [`http://127.0.0.1:${sink.address().port}/hook`]);
  holds(`answers after ${shop.seconds} s`);

  const known = JSON.parse(fs.readFileSync(shop.credentials, 'utf8'));
  const has = await ask[name](shop.url, known);
  assert.deepStrictEqual([has.products, has.variants, has.orders], [128, 236, 0]);
  const photo = await fetch(has.photo);
  assert.ok(photo.ok && has.photo.startsWith(shop.url), has.photo);
  holds('128 products, 236 variants, photos at its own address');

  const order = (...args) => new Promise(resolve => execFile(path.join(__dirname, 'order'), [name, shop.url, shop.credentials, ...args],
    (error, said) => resolve({ code: error?.code ?? 0, ...JSON.parse(said || '{}') })));
  const bought = await order(usual[0].sku, '2');
  assert.deepStrictEqual([bought.code, bought.total_minor], [0, usual[0].price * 2], JSON.stringify(bought));
  const deposit = await order(usual[1].sku, '1', 'deposit');
  assert.deepStrictEqual([deposit.code, deposit.paid_minor], [0, Math.round(usual[1].price / 5)], JSON.stringify(deposit));
  const refused = await order(soldOut.sku);
  assert.strictEqual(refused.code, 3, JSON.stringify(refused));
  const sold = (await ask[name](shop.url, known)).orders; // Vendure counts the cart of the refused one
  holds(`sells (${JSON.stringify(bought)}), takes a deposit, refuses what is sold out (${refused.refused})`);

  await until('an order is announced', () => hooks.some(h => h.headers['x-vitrine-topic'] === 'order.placed'), 5);
  for (const { headers, body } of hooks) {
    const wanted = crypto.createHmac('sha256', known.webhookSecret).update(`${headers['x-vitrine-timestamp']}.`).update(body).digest('hex');
    assert.strictEqual(headers['x-vitrine-signature'], wanted);
  }
  holds(`${hooks.length} signed events (${[...new Set(hooks.map(h => h.headers['x-vitrine-topic']))].join(' ')})`);

  const proxy = spawn(path.join(__dirname, 'faults'), ['0', String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const via = JSON.parse(await new Promise(resolve => proxy.stdout.once('data', resolve))).url;
  await fetch(`${via}/__faults`, { method: 'PUT', body: '[{"path":"/health","times":1,"action":"status","status":429},{"path":"/health","times":1,"action":"lose-reply"}]' });
  const answers = [];
  for (let i = 0; i < 3; i++) answers.push(await fetch(`${via}/health`).then(a => a.status, () => 'none'));
  assert.deepStrictEqual(answers, [429, 'none', 200]);
  proxy.kill();
  await ended(proxy);
  holds('faults: an answer of its own, none, the shop\'s');

  let began = Date.now();
  shop.child.kill('SIGTERM');
  assert.strictEqual(await ended(shop.child), 0);
  assert.ok(!(await isOpen(port)) && !fs.existsSync(path.join(data, 'pid')) && !fs.existsSync(path.join(data, 'pg/postmaster.pid')));
  holds(`SIGTERM: all ended after ${((Date.now() - began) / 1000).toFixed(1)} s`);

  port = await freePort();
  shop = await start(name, data, port);
  const again = await ask[name](shop.url, known);
  assert.deepStrictEqual([again.products, again.orders], [128, sold]);
  assert.ok((await fetch(again.photo)).ok);
  holds(`comes back with its orders at another port after ${shop.seconds} s`);

  for (const [what, wrap] of [['ready', []], ['who started it', ['bash', '-c', '"$@" & wait', 'bash']]]) {
    if (wrap.length) {
      port = await freePort();
      shop = await start(name, data, port, [], wrap);
    }
    const pids = [pidIn(path.join(data, 'pid')), pidIn(path.join(data, 'pg/postmaster.pid'))];
    began = Date.now();
    shop.child.kill('SIGKILL');
    await until('all gone', async () => !(await isOpen(port)) && !pids.some(isRunning), 10);
    holds(`SIGKILL of ${what}: all gone after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
  shop = await start(name, data, await freePort());
  assert.strictEqual((await ask[name](shop.url, known)).orders, sold);
  shop.child.kill('SIGTERM');
  assert.strictEqual(await ended(shop.child), 0);
  holds('survives SIGKILL with its orders');
  sink.close();
}

(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-shops-'));
  try { for (const name of process.argv.slice(2)) await check(name, folder); } finally { fs.rmSync(folder, { recursive: true, force: true }); }
})().catch(error => { console.error(error); process.exit(1); });
