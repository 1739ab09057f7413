// SPDX-License-Identifier: Apache-2.0
/// A day as people copy it from a paper, 2027年3月31日, 2027/3/31 or 20270331, as the desk takes it: 2027-03-31. What is no
/// day stays as it is, to be refused with what was typed.
export function dayFrom(text: string): string {
  const typed = text.trim();
  const [, year, month, day] =
    /^(\d{4})(\d{2})(\d{2})$/.exec(typed) ?? /^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$/.exec(typed) ?? [];
  if (year === undefined || month === undefined || day === undefined) return typed;
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

/// Whether there is such a day; nothing counts as one.
export function isDay(text: string): boolean {
  if (text === '') return true;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
