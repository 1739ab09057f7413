// SPDX-License-Identifier: Apache-2.0
'use strict';
// Posts one event to SHOP_WEBHOOK_URL. Neither shop does so by itself; this is the plugin that a real one would install.
//   x-vitrine-signature: hex HMAC-SHA256 over "<x-vitrine-timestamp>.<body>", the time in seconds
//   x-vitrine-id, x-vitrine-topic, x-vitrine-attempt
//   body: {"id","topic","at","data"}
// Three tries, then it is lost, and all are lost that are under way when the shop stops: who listens must also ask.
const crypto = require('crypto');

const secret = 'shop-webhook-secret'; // in credentials.json too

async function deliver(topic, data) {
  const id = crypto.randomUUID();
  const body = JSON.stringify({ id, topic, at: new Date().toISOString(), data });
  for (let attempt = 1; attempt <= 3; attempt++) {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = crypto.createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
    try {
      const answer = await fetch(process.env.SHOP_WEBHOOK_URL, {
        method: 'POST', body, signal: AbortSignal.timeout(5000),
        headers: { 'content-type': 'application/json', 'x-vitrine-id': id, 'x-vitrine-topic': topic,
          'x-vitrine-timestamp': timestamp, 'x-vitrine-signature': signature, 'x-vitrine-attempt': String(attempt) },
      });
      if (answer.ok) return;
    } catch { /* tried again below */ }
    await new Promise(resolve => setTimeout(resolve, 300 * 2 ** attempt));
  }
}

module.exports = { deliver, secret };
