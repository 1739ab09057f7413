// SPDX-License-Identifier: Apache-2.0
import { boxNow } from '../lib/clock.svelte';
import { currentLanguage, t, timeOfDay } from '../lib/i18n.svelte';

const kMinute = 60;
const kHour = 3600;
const kDay = 86_400;

/// "3 天 4 小时", "12 分钟".
export function lasted(seconds: number): string {
  const days = Math.floor(seconds / kDay);
  const hours = Math.floor((seconds % kDay) / kHour);
  const minutes = Math.floor((seconds % kHour) / kMinute);
  if (days > 0) return t('time.days', { days, hours });
  if (hours > 0) return t('time.hours', { hours, minutes });
  return minutes > 0 ? t('time.minutes', { minutes }) : t('time.now');
}

/// "12 分钟前"; what is younger than a minute is "刚刚".
export function ago(instant: string): string {
  const seconds = (boxNow() - Date.parse(instant)) / 1000;
  return seconds < kMinute ? t('time.just') : t('time.ago', { time: lasted(seconds) });
}

/// "2026-11-22 19:24", local: as it is compared with a journal or a paper.
export function stamp(instant: string): string {
  return `${dayOf(instant)} ${timeOfDay(Date.parse(instant))}`;
}

/// "2026-11-22", local.
export function dayOf(instant: string): string {
  const date = new Date(Date.parse(instant));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/// Whole days from one day to the other, as they stand on papers: "2026-11-22".
export function daysBetween(from: string, until: string): number {
  return Math.round((Date.parse(`${until}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / (kDay * 1000));
}

/// A list of names: "甲、乙".
export function listed(names: readonly string[]): string {
  return names.join(currentLanguage() === 'zh' ? '、' : ', ');
}
