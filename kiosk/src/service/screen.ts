// SPDX-License-Identifier: Apache-2.0
// What the layers of a picture said, in words. Only what viewers could read: a card whose price had run out showed none.
import { isKey, t } from '../lib/i18n.svelte';
import type { Amount, Layer } from '../lib/types';
import { amountText, dateText, secondText } from './figures';

export interface Said {
  id: string;
  title: string;
  lines: string[];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const isAmount = (value: unknown): value is Amount =>
  typeof value === 'object' && value !== null && 'minor' in value && 'currency' in value;
export const amountOf = (data: Layer['data'], key: string): Amount | undefined => {
  const value = data[key];
  return isAmount(value) ? value : undefined;
};
export const timeOf = (data: Layer['data'], key: string): number | undefined => {
  const instant = Date.parse(text(data[key]));
  return Number.isNaN(instant) ? undefined : instant;
};
export const numberOf = (data: Layer['data'], key: string): number | undefined =>
  typeof data[key] === 'number' ? data[key] : undefined;

export const kCards = ['product_card', 'deposit', 'mini_card'];
export const isCard = (layer: Layer): boolean => kCards.includes(layer.template);

/// What a card asked for: a price only where one stood there.
export function priceOn(card: Layer): Amount | undefined {
  if (card.form !== 'normal' || numberOf(card.data, 'stock') === 0) return undefined;
  return amountOf(card.data, 'price');
}

/// Why there was none.
export function noPriceText(card: Layer): string {
  if (card.form === 'ended') return t('svc.form.ended');
  if (card.form === 'neutral') return t('svc.form.neutral');
  return t('svc.form.soldout');
}

/// Pairs of what and how much, for a card.
export function termsOf(card: Layer): [string, string][] {
  const { data } = card;
  const unit = text(data['count_unit']);
  const terms: [string, string][] = [];
  const add = (key: Parameters<typeof t>[0], value: string | undefined): void => {
    if (value) terms.push([t(key), value]);
  };
  add('svc.card.unit', text(data['unit']));
  if (card.form === 'normal') {
    const reference = amountOf(data, 'reference_price');
    if (reference) terms.push([text(data['reference_basis']), amountText(reference)]);
    for (const [key, word] of [
      ['deposit', 'svc.card.deposit'],
      ['deposit_worth', 'svc.card.worth'],
      ['balance', 'svc.card.balance'],
    ] as const) {
      const amount = amountOf(data, key);
      if (amount) add(word, amountText(amount));
    }
  }
  const due = timeOf(data, 'balance_until');
  if (due !== undefined) add('svc.card.due', dateText(due));
  const stock = numberOf(data, 'stock');
  if (stock !== undefined && card.form === 'normal') add('svc.card.stock', `${stock} ${unit}`);
  const sold = numberOf(data, 'sold');
  if (sold !== undefined) add('svc.card.sold', `${sold} ${unit}`);
  return terms;
}

function line(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (isAmount(value)) return amountText(value);
  if (Array.isArray(value)) return value.map(line).join('、');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(line).join(' ');
  return '';
}

/// All that was on screen beside the card.
export function besideCard(layers: Layer[], at: number): Said[] {
  return layers
    .filter((layer) => !isCard(layer) && layer.form !== ('hidden' as string))
    .map((layer) => {
      const key = `svc.layer.${layer.template}`;
      return { id: layer.id, title: isKey(key) ? t(key) : layer.template, lines: linesOf(layer, at) };
    });
}

function linesOf(layer: Layer, at: number): string[] {
  const { data, template } = layer;
  if (template === 'countdown' || template === 'limited') {
    const lines: string[] = [];
    const end = timeOf(data, 'ends_at');
    if (layer.form === 'neutral') lines.push(t('svc.form.neutral'));
    else if (end !== undefined && end > at && layer.form === 'normal')
      lines.push(`${text(data['title'])} ${secondText(end)}${t('svc.seconds.left', { count: Math.ceil((end - at) / 1000) })}`);
    else if (end !== undefined) lines.push(text(data['over']) || t('svc.countdown.over'));
    const total = numberOf(data, 'stock_total');
    const left = numberOf(data, 'stock');
    const unit = text(data['count_unit']);
    if (left !== undefined && total !== undefined) lines.push(t('svc.quantity', { left, total, unit }));
    return lines;
  }
  if (template === 'licence')
    return [text(data['seller']), text(data['credit_code']), text(data['note']), text(data['phone'])].filter(Boolean);
  return Object.entries(data)
    .filter(([key]) => key !== 'photo' && !key.startsWith('count_'))
    .map(([key, value]) => {
      const instant = key.endsWith('_at') || key.endsWith('_until') ? timeOf(data, key) : undefined;
      return instant === undefined ? line(value) : `${dateText(instant)} ${secondText(instant)}`;
    })
    .filter(Boolean);
}
