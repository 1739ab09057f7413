// SPDX-License-Identifier: Apache-2.0
// What a customer is told: what was on screen, and nothing that was not.
import { t, timeOfDay } from '../lib/i18n.svelte';
import type { Layer } from '../lib/types';
import { amountText, dateText } from './figures';
import { amountOf, isCard, noPriceText, numberOf, priceOn, timeOf } from './screen';

export function sentenceOf(card: Layer, layers: Layer[], at: number): string {
  const name = [card.data['name'], card.data['unit']].filter((part) => typeof part === 'string' && part !== '').join(' ');
  const parts = [t('svc.say.when', { name, day: dateText(at), time: timeOfDay(at) })];
  const price = priceOn(card);
  if (price) {
    const label = typeof card.data['price_label'] === 'string' ? card.data['price_label'] : t('svc.price');
    parts.push(t('svc.say.price', { label, price: amountText(price) }));
  } else {
    parts.push(t('svc.say.noprice', { why: noPriceText(card) }));
  }
  if (price) parts.push(...offerOf(layers, at), ...depositOf(card));
  parts.push(t('svc.say.end'));
  return parts.join('');
}

function offerOf(layers: Layer[], at: number): string[] {
  const countdown = layers.find((layer) => layer.template === 'countdown' && layer.form === 'normal');
  const limited = layers.find((layer) => /^(countdown|limited)$/.test(layer.template) && layer.form === 'normal');
  const end = countdown ? timeOf(countdown.data, 'ends_at') : undefined;
  if (end !== undefined && end <= at) return []; // it stands there a while after its end
  const total = limited ? numberOf(limited.data, 'stock_total') : undefined;
  const unit = limited && typeof limited.data['count_unit'] === 'string' ? limited.data['count_unit'] : '';
  return [
    ...(end === undefined ? [] : [t('svc.say.until', { day: dateText(end), time: timeOfDay(end) })]),
    ...(total === undefined ? [] : [t('svc.say.limited', { count: total, unit })]),
  ];
}

function depositOf(card: Layer): string[] {
  const pay = amountOf(card.data, 'deposit');
  const balance = amountOf(card.data, 'balance');
  const due = timeOf(card.data, 'balance_until');
  if (!pay || !balance || due === undefined) return [];
  const worth = amountOf(card.data, 'deposit_worth');
  return [
    t(worth ? 'svc.say.deposit.worth' : 'svc.say.deposit', {
      pay: amountText(pay),
      worth: worth ? amountText(worth) : '',
      balance: amountText(balance),
      day: dateText(due),
    }),
  ];
}

export const cardOf = (layers: Layer[]): Layer | undefined => layers.find(isCard);

/// Over plain http a page may not write to the clipboard; the old way still works there for what is selected.
export async function copy(field: HTMLTextAreaElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand('copy');
  }
}
