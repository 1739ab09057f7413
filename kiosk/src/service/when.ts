// SPDX-License-Identifier: Apache-2.0
// A time as people type it into the search: 20:15, 昨天 8点半, 11-22 20:15:30, 2026-11-22 20:15.

const kDay = /(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?/;
const kTime = /(\d{1,2})\s*(?:[:：点时]\s*)(半|\d{1,2})?\s*分?(?:[:：]?\s*(\d{1,2})秒?)?/;
const kDaysAgo: Record<string, number> = {
  今天: 0,
  昨天: 1,
  昨晚: 1,
  前天: 2,
  前晚: 2,
  today: 0,
  yesterday: 1,
};
const kEvening = /昨晚|前晚|今晚|晚上|下午|pm\b/i;

/// An instant, in this browser's zone; undefined for what is no time. One without a day that would lie ahead is
/// yesterday's: nobody asks for what has not been.
export function whenOf(text: string, now: number): number | undefined {
  const plain = text.trim();
  if (/^\d{4}-\d\d-\d\dT/.test(plain)) {
    const exact = Date.parse(plain);
    return Number.isNaN(exact) ? undefined : exact;
  }
  const word = Object.keys(kDaysAgo).find((each) => plain.toLowerCase().includes(each));
  const dayFound = kDay.exec(plain);
  const rest = dayFound ? plain.replace(dayFound[0], ' ') : plain;
  const time = kTime.exec(rest);
  if (!time) return undefined;
  if (rest.replace(time[0], '').replace(/今天|昨天|昨晚|前天|前晚|今晚|晚上|上午|下午|早上|today|yesterday|am|pm|\s/gi, '') !== '')
    return undefined; // it is part of something else: an item's name
  let hours = Number(time[1]);
  const minutes = time[2] === '半' ? 30 : Number(time[2] ?? 0);
  const seconds = Number(time[3] ?? 0);
  if (kEvening.test(plain) && hours < 12) hours += 12;
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const date = new Date(now);
  if (dayFound) {
    const [, year, month, day] = dayFound;
    date.setFullYear(year ? Number(year) : date.getFullYear(), Number(month) - 1, Number(day));
    if (date.getMonth() !== Number(month) - 1) return undefined;
  } else if (word) {
    date.setDate(date.getDate() - (kDaysAgo[word] ?? 0));
  }
  date.setHours(hours, minutes, seconds, 0);
  if (date.getTime() <= now) return date.getTime();
  if (!dayFound && !word) date.setDate(date.getDate() - 1);
  else if (dayFound && !dayFound[1]) date.setFullYear(date.getFullYear() - 1);
  return date.getTime();
}
