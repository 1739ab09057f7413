// SPDX-License-Identifier: Apache-2.0
import { t } from '../lib/i18n.svelte';
import { daysBetween } from './times';
import type { DocumentEntry, Papers, PayeeEntry } from './told';

export interface Judged {
  level: 'red' | 'amber' | 'green' | 'muted';
  text: string;
}
const kSoonDays = 30;

/// Whether a document may be used today, and for how long.
export function validityOf(entry: DocumentEntry, today: string): Judged {
  const { valid_from: from, valid_until: until } = entry.document;
  switch (entry.state) {
    case 'withdrawn':
      return { level: 'muted', text: t('paper.withdrawn') };
    case 'not_yet_valid':
      return { level: 'amber', text: t('paper.notyet', { day: from ?? '' }) };
    case 'expired':
      return { level: 'red', text: t('paper.expired', { day: until ?? '' }) };
    case 'valid': {
      if (!until) return { level: 'green', text: t('paper.valid.always') };
      const left = daysBetween(today, until);
      if (left === 0) return { level: 'amber', text: t('paper.valid.today') };
      if (left <= kSoonDays) return { level: 'amber', text: t('paper.valid.soon', { days: left, day: until }) };
      return { level: 'green', text: t('paper.valid', { day: until }) };
    }
  }
}

/// Who is paid must be who holds the licence: the same company. The desk's pre-flight holds each show to it.
export function judgePayee(entry: PayeeEntry, papers: Papers): Judged {
  const { name, licence_holder: holder, withdrawn } = entry.payee;
  if (withdrawn) return { level: 'muted', text: t('payee.withdrawn') };
  if (name !== holder) return { level: 'red', text: t('payee.differs', { name, holder }) };
  const isLicensed = papers.documents.some(
    (each) => each.document.kind === 'business_licence' && each.state === 'valid' && each.document.holder === name,
  );
  return isLicensed ? { level: 'green', text: t('payee.good') } : { level: 'red', text: t('payee.unlicensed', { name }) };
}

const kRank = { red: 0, amber: 1, green: 2, muted: 3 };
export function byUrgency<T>(entries: readonly T[], judge: (entry: T) => Judged): { entry: T; judged: Judged }[] {
  return entries
    .map((entry) => ({ entry, judged: judge(entry) }))
    .sort((a, b) => kRank[a.judged.level] - kRank[b.judged.level]);
}
