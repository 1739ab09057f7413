// SPDX-License-Identifier: Apache-2.0
import { en } from './en';
import type { Amount, Money, Words } from './types';
import { zh, type Dictionary, type Key } from './zh';

export type Language = 'zh' | 'en';

const dictionaries: Record<Language, Dictionary> = { zh, en };
const kStored = 'vitrine.language';

let language = $state<Language>(localStorage.getItem(kStored) === 'en' ? 'en' : 'zh');

function tell(): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}
tell();

export function currentLanguage(): Language {
  return language;
}

export function switchLanguage(): void {
  language = language === 'zh' ? 'en' : 'zh';
  localStorage.setItem(kStored, language);
  tell();
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return dictionaries[language][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

/// Whether a word of the desk's has a sentence here: it may be newer than this page.
export function isKey(key: string): key is Key {
  return key in zh;
}

/// A sentence that the desk has in both; its English ones begin as in a log.
export function words(both: Words): string {
  const text = both[language];
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const two = (value: number): string => String(value).padStart(2, '0');

/// 75 → "1:15", 3675 → "1:01:15".
export function duration(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

/// 75 → "00:01:15": as it stands beside ON AIR, where its width must not change.
export function longDuration(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  return `${two(Math.floor(all / 3600))}:${two(Math.floor(all / 60) % 60)}:${two(all % 60)}`;
}

/// "19:24", local.
export function timeOfDay(instant: number): string {
  const date = new Date(instant);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/// As a field of type datetime-local has it: local, to the minute. Empty: none.
export function localMinute(instant: string | undefined): string {
  if (instant === undefined) return '';
  const date = new Date(instant);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/// Today's only as a time, another day's with its date.
export function dayAndTime(instant: number): string {
  const date = new Date(instant);
  if (date.toDateString() === new Date().toDateString()) return timeOfDay(instant);
  const day = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en', {
    month: 'short',
    day: 'numeric',
    weekday: 'short',
  });
  return `${day.format(date)} ${timeOfDay(instant)}`;
}

/// The symbol apart from the figure, which is set larger. The desk has written both, for every currency.
export function moneyParts(money: Money): { symbol: string; figure: string } {
  const at = money.text.search(/[\d-]/);
  return { symbol: money.text.slice(0, at).trim(), figure: money.text.slice(at) };
}

/// Money that nobody wrote out, as the desk does it.
export function amountText(amount: Amount): string {
  if (amount.text !== undefined) return amount.text;
  const format = new Intl.NumberFormat('zh-CN', {
    style: 'currency',
    currency: amount.currency,
    currencyDisplay: 'narrowSymbol',
  });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount.minor / 10 ** digits);
}
