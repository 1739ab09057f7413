// SPDX-License-Identifier: Apache-2.0
// Money and times as they stand in columns and in sentences to customers.
import { currentLanguage } from '../lib/i18n.svelte';
import type { Amount } from '../lib/types';

const tag = (): string => (currentLanguage() === 'zh' ? 'zh-CN' : 'en');

/// With all its digits, so that columns line up: "¥29.90".
export function amountText(amount: Amount): string {
  const format = new Intl.NumberFormat(tag(), {
    style: 'currency',
    currency: amount.currency,
    currencyDisplay: 'narrowSymbol',
  });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount.minor / 10 ** digits);
}

const isThisYear = (instant: number): boolean => new Date(instant).getFullYear() === new Date().getFullYear();

/// "11月22日周日"; another year's with it.
export function dayText(instant: number): string {
  return new Intl.DateTimeFormat(tag(), {
    month: 'short',
    day: 'numeric',
    weekday: 'short',
    ...(isThisYear(instant) ? {} : { year: 'numeric' }),
  }).format(instant);
}

/// "11月22日": what one says to a customer.
export function dateText(instant: number): string {
  return new Intl.DateTimeFormat(tag(), {
    month: 'long',
    day: 'numeric',
    ...(isThisYear(instant) ? {} : { year: 'numeric' }),
  }).format(instant);
}

const two = (value: number): string => String(value).padStart(2, '0');

/// "20:15:30": the evidence is of seconds.
export function secondText(instant: number): string {
  const date = new Date(instant);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/// "11-22 20:15", for columns.
export function shortText(instant: number): string {
  const date = new Date(instant);
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
  return isThisYear(instant) ? day : `${date.getFullYear()}-${day}`;
}

/// For <input type="date">, in local time.
export function inputDay(instant: number): string {
  const date = new Date(instant);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/// Whole days between two instants, as a calendar counts them.
export function daysBetween(from: number, until: number): number {
  const noon = (instant: number): number => new Date(instant).setHours(12, 0, 0, 0);
  return Math.round((noon(until) - noon(from)) / 86_400_000);
}
