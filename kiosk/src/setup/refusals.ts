// SPDX-License-Identifier: Apache-2.0
import { currentLanguage, isKey, t } from '../lib/i18n.svelte';
import type { Refused } from './told';

/// How the desk begins what it allows in a table's cell, and the name of our sentence for it.
const kAllowed: readonly (readonly [string, string])[] = [
  ['a price such as', 'price'],
  ['a value', 'value'],
  ['a whole number', 'stock'],
  ['all digits', 'digits'],
  ['above the price', 'above'],
  ['a file of the folder of photos', 'photo.missing'],
  ['the name of a photo', 'photo'],
  ['an address that begins', 'address'],
  ['上架 (listed)', 'status'],
  ['what the reference price is', 'basis'],
  ['titles with these too', 'titles'],
  ['one row for each number', 'twice'],
  ['one column for each thing', 'column'],
];

export interface InWords {
  where: string;
  found: string;
  allowed: string;
  /// It is the desk's own English.
  isRaw: boolean;
}

function foundIn(found: string): string {
  const [, titles] = /^the titles (.*)$/.exec(found) ?? [];
  return found === 'nothing' ? t('refusal.nothing') : titles ? t('refusal.found.titles', { titles }) : found;
}

/// `isRowKnown`: the row's number stands beside it already.
export function inWords(problem: Refused, isRowKnown: boolean): InWords {
  const [, row, column] = /^row (\d+)(?:, (.*))?$/.exec(problem.where) ?? [];
  const known = kAllowed.find(([start]) => problem.allowed.startsWith(start));
  const key = `refusal.${known?.[1] ?? ''}`;
  const place = [row && !isRowKnown ? t('import.row', { row }) : '', column ?? ''].filter((each) => each !== '').join(' ');
  return {
    where: row === undefined ? problem.where : place,
    found: foundIn(problem.found),
    allowed: isKey(key) ? t(key) : t('refused.allowed', { allowed: problem.allowed }),
    isRaw: !isKey(key) && currentLanguage() === 'zh',
  };
}
