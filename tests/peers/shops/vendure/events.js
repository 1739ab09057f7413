// SPDX-License-Identifier: Apache-2.0
'use strict';
// Hands the events that a studio needs from Vendure's bus, which stays inside the process, to webhook.js.
const { VendurePlugin, PluginCommonModule, EventBus, ProductEvent, ProductVariantEvent, ProductVariantPriceEvent, StockMovementEvent,
  OrderStateTransitionEvent, OrderPlacedEvent, PaymentStateTransitionEvent, PromotionEvent } = require('@vendure/core');
const { deliver } = require('../webhook');

const ids = list => list.map(x => x.productVariant?.id ?? x.variant?.id);
const events = [
  [ProductEvent, e => [`product.${e.type}`, { productId: e.entity?.id }]],
  [ProductVariantEvent, e => [`variant.${e.type}`, { variantIds: e.entity.map(v => v.id) }]],
  [ProductVariantPriceEvent, e => [`price.${e.type}`, { variantIds: ids(e.entity) }]],
  [StockMovementEvent, e => [`stock.${String(e.type).toLowerCase()}`, { variantIds: ids(e.stockMovements) }]],
  [PromotionEvent, e => [`promotion.${e.type}`, { promotionId: e.entity.id }]],
  [OrderStateTransitionEvent, e => ['order.state', { orderId: e.order.id, code: e.order.code, from: e.fromState, to: e.toState }]],
  [OrderPlacedEvent, e => ['order.placed', { orderId: e.order.id, code: e.order.code, variantIds: ids(e.order.lines) }]],
  [PaymentStateTransitionEvent, e => ['payment.state', { orderId: e.order.id, code: e.order.code, from: e.fromState, to: e.toState }]],
];

class EventPlugin {
  constructor(eventBus) { this.eventBus = eventBus; }
  onApplicationBootstrap() {
    for (const [type, describe] of events) this.eventBus.ofType(type).subscribe(e => void deliver(...describe(e)));
  }
}
// What TypeScript's decorators would have written.
Reflect.defineMetadata('design:paramtypes', [EventBus], EventPlugin);
VendurePlugin({ imports: [PluginCommonModule] })(EventPlugin);
exports.EventPlugin = EventPlugin;
