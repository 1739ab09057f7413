// SPDX-License-Identifier: Apache-2.0
'use strict';
// faults.js PORT SHOP_PORT [JOURNAL]: a proxy on loopback before a real shop, with faults that are set while it runs. Prints {"url":…}
// once it listens; ends with SIGTERM, or with who started it. JOURNAL gets a line of JSON for each request that is no GET and that
// the shop answered, in the order of the answers: method, path, body, status, answer. It answers these itself, in JSON:
//   GET    /__faults            the rules, how many requests came, and the last 200: at, method, path, status, rule, ms
//   PUT    /__faults  [RULE…]   other rules; the first that fits a request holds for it
//   DELETE /__faults            no rules, and the counts from zero
// RULE {name, method, path and body: regular expressions, after: leaves the first N that fit alone, times: then spent,
//   every: each Nth only, chance: 0 to 1, with a seed for the dice, any: rules of which one is taken by dice, delay_ms, jitter_ms,
//   bytes_per_s, action, status, headers, reply}; all may be left out. ACTION:
//   pass        (what it does without one)
//   status      answers with `status`, `headers` and `reply`; the shop hears nothing
//   reset       closes before the shop hears anything
//   hang        never answers, and the shop hears nothing
//   lose-reply  the shop acts, and the client never learns
//   truncate    half of the shop's answer, then closes
//   twice       the shop gets the request two times
const fs = require('fs');
const http = require('http');

const [port, shopPort] = process.argv.slice(2, 4).map(Number);
const journal = process.argv[4] && fs.openSync(process.argv[4], 'a');
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
let rules = [], log = [], total = 0;

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const bytesOf = stream => new Promise((resolve, reject) => {
  const parts = [];
  stream.on('data', part => parts.push(part)).on('end', () => resolve(Buffer.concat(parts))).on('error', reject);
});

// Numbers from 0 to 1, the same ones for the same seed (mulberry32).
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const parsed = bytes => { try { return JSON.parse(bytes.toString('utf8')); } catch { return null; } };

function fits(rule, request, body) {
  if (rule.method && rule.method !== request.method) return false;
  if (rule.path && !new RegExp(rule.path).test(request.url)) return false;
  if (rule.body && !new RegExp(rule.body).test(body.toString('utf8'))) return false;
  rule.seen = (rule.seen ?? 0) + 1;
  const nth = rule.seen - (rule.after ?? 0);
  if (nth <= 0 || nth % (rule.every ?? 1) !== 0 || (rule.hits ?? 0) >= (rule.times ?? Infinity)) return false;
  if (rule.chance !== undefined && rule.dice() >= rule.chance) return false;
  rule.hits = (rule.hits ?? 0) + 1;
  return true;
}
const chosen = rule => (rule.any ? { ...rule, ...rule.any[Math.floor(rule.dice() * rule.any.length)] } : rule);

function forward(request, body) {
  return new Promise((resolve, reject) => {
    const headers = { ...request.headers, 'content-length': String(body.length) };
    delete headers['transfer-encoding']; delete headers.connection;
    http.request({ host: '127.0.0.1', port: shopPort, method: request.method, path: request.url, headers, agent }, answer => {
      bytesOf(answer).then(bytes => {
        if (journal && request.method !== 'GET')
          fs.writeSync(journal, JSON.stringify({ method: request.method, path: request.url, body: parsed(body), status: answer.statusCode, answer: parsed(bytes) }) + '\n');
        resolve({ status: answer.statusCode, headers: answer.headers, body: bytes });
      }, reject);
    }).on('error', reject).end(body);
  });
}

// Gives the status that the client got, 0 for none.
async function serve(request, response, body, rule) {
  if (rule.delay_ms || rule.jitter_ms) await sleep((rule.delay_ms ?? 0) + Math.random() * (rule.jitter_ms ?? 0));
  if (rule.action === 'hang') return 0;
  if (rule.action === 'reset') { response.socket.destroy(); return 0; }
  if (rule.action === 'status') {
    const status = rule.status ?? 503, reply = rule.reply ?? { error: 'injected' };
    response.writeHead(status, { 'content-type': 'application/json', ...rule.headers }).end(typeof reply === 'string' ? reply : JSON.stringify(reply));
    return status;
  }
  let answer = await forward(request, body);
  if (rule.action === 'twice') answer = await forward(request, body);
  if (rule.action === 'lose-reply') { response.socket.destroy(); return 0; }
  const headers = { ...answer.headers, 'content-length': String(answer.body.length) };
  delete headers['transfer-encoding']; delete headers.connection;
  response.writeHead(answer.status, headers);
  if (rule.action === 'truncate') {
    response.write(answer.body.subarray(0, answer.body.length >> 1), () => response.socket.destroy());
    return answer.status;
  }
  const step = rule.bytes_per_s ? Math.max(1, Math.floor(rule.bytes_per_s / 20)) : answer.body.length;
  for (let at = 0; at < answer.body.length && !response.destroyed; at += step) {
    response.write(answer.body.subarray(at, at + step));
    if (rule.bytes_per_s) await sleep(50);
  }
  response.end();
  return answer.status;
}

function control(request, response, body) {
  try {
    if (request.method === 'PUT') {
      rules = JSON.parse(body.toString('utf8'));
      for (const rule of rules) Object.defineProperty(rule, 'dice', { value: dice(rule.seed ?? Date.now()) });
    }
    if (request.method === 'DELETE') { rules = []; log = []; total = 0; }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ rules, total, log }));
  } catch (error) { response.writeHead(400).end(String(error)); }
}

const server = http.createServer(async (request, response) => {
  const body = await bytesOf(request).catch(() => null);
  if (!body) return;
  if (request.url.startsWith('/__faults')) { control(request, response, body); return; }
  const began = Date.now(), rule = chosen(rules.find(r => fits(r, request, body)) ?? {});
  let status = 0;
  total++;
  try { status = await serve(request, response, body, rule); } catch (error) {
    status = 502; // the shop is away
    if (response.headersSent) response.socket?.destroy(); else response.writeHead(502).end(error.message);
  }
  log = [...log, { at: new Date(began).toISOString(), method: request.method, path: request.url.slice(0, 200), status,
    rule: rule.name ?? rule.action ?? null, ms: Date.now() - began }].slice(-200);
});
server.listen(port, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
process.on('SIGTERM', () => process.exit(0));
const parent = process.ppid;
setInterval(() => { if (process.ppid !== parent) process.exit(0); }, 500);
