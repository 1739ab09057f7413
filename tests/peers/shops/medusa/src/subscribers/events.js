// SPDX-License-Identifier: Apache-2.0
'use strict';
// Hands the events that a studio needs from Medusa's bus, which stays inside the process, to webhook.js. They carry ids only.
const { deliver } = require('../../webhook'); // ready puts it beside medusa-config.js

const wanted = /^(product|product-variant|order|payment|order-edit)\.[a-z_]+$|^(inventory\.(inventory-level|reservation-item)|pricing\.price(-list)?)\.(created|updated|deleted)$/;

module.exports = {
  default: async ({ event }) => { if (process.env.SHOP_WEBHOOK_URL && wanted.test(event.name)) void deliver(event.name, event.data); },
  config: { event: '*', context: { subscriberId: 'vitrine-events' } },
};
