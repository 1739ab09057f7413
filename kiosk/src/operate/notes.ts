// SPDX-License-Identifier: Apache-2.0
// An item's note as its form has it.
import { localMinute, t } from '../lib/i18n.svelte';
import type { Amount, ItemNote } from '../lib/types';
import type { Paper } from './papers';

export interface Fields {
  points: string; // one a line
  producer: string;
  producerLicence: string;
  producerAddress: string;
  certificates: string[];
  proof: string;
  basis: string;
  deposit: string;
  worth: string;
  until: string;
}
export const kNoFields: Fields = {
  points: '',
  producer: '',
  producerLicence: '',
  producerAddress: '',
  certificates: [],
  proof: '',
  basis: '',
  deposit: '',
  worth: '',
  until: '',
};

const kAmount = /^\d{1,9}(\.\d{1,2})?$/;

export const isPriceProof = (paper: Paper): boolean => paper.document.kind === 'price_proof';
export const isCertificate = (paper: Paper): boolean => !isPriceProof(paper) && paper.document.kind !== 'business_licence';

const digitsOf = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
const textOf = (amount: Amount): string => (amount.minor / 10 ** digitsOf(amount.currency)).toFixed(digitsOf(amount.currency));
const amountOf = (text: string, currency: string): Amount => ({
  minor: Math.round(Number(text) * 10 ** digitsOf(currency)),
  currency,
});

export function fieldsOf(note: ItemNote): Fields {
  return {
    points: (note.talking_points ?? []).join('\n'),
    producer: note.producer?.name ?? '',
    producerLicence: note.producer?.licence_number ?? '',
    producerAddress: note.producer?.address ?? '',
    certificates: note.certificates ?? [],
    proof: note.reference?.evidence ?? '',
    basis: note.reference?.basis ?? '',
    deposit: note.deposit ? textOf(note.deposit.pay) : '',
    worth: note.deposit ? textOf(note.deposit.worth) : '',
    until: localMinute(note.deposit?.balance_until),
  };
}

export function wrongIn(fields: Fields): Partial<Record<keyof Fields, string>> {
  const wrong: Partial<Record<keyof Fields, string>> = {};
  const has = (name: 'producer' | 'producerLicence' | 'producerAddress' | 'basis' | 'deposit' | 'worth' | 'until'): boolean =>
    fields[name].trim() !== '';
  if (!has('producer') && (has('producerLicence') || has('producerAddress'))) wrong.producer = t('operate.note.bad.producer');
  if (fields.proof !== '' && !has('basis')) wrong.basis = t('operate.note.bad.basis');
  if (!has('deposit') && !has('worth') && !has('until')) return wrong;
  for (const name of ['deposit', 'worth'] as const)
    if (!kAmount.test(fields[name].trim()) || Number(fields[name]) === 0) wrong[name] = t('operate.offer.bad.price');
  if (!wrong.deposit && !wrong.worth && Number(fields.worth) < Number(fields.deposit)) wrong.worth = t('operate.note.bad.worth');
  if (!has('until')) wrong.until = t('operate.note.bad.until');
  return wrong;
}

/// What the form does not show stays as it was.
export function noteOf(fields: Fields, before: ItemNote, currency: string): ItemNote {
  const { producer: _, reference: __, deposit: ___, ...rest } = before;
  const note: ItemNote = {
    ...rest,
    talking_points: fields.points.split('\n').map((line) => line.trim()).filter((line) => line !== ''),
    certificates: fields.certificates,
  };
  if (fields.producer.trim() !== '') {
    note.producer = { name: fields.producer.trim() };
    if (fields.producerAddress.trim() !== '') note.producer.address = fields.producerAddress.trim();
    if (fields.producerLicence.trim() !== '') note.producer.licence_number = fields.producerLicence.trim();
  }
  if (fields.proof !== '') note.reference = { basis: fields.basis.trim(), evidence: fields.proof };
  if (fields.deposit.trim() !== '')
    note.deposit = {
      pay: amountOf(fields.deposit, currency),
      worth: amountOf(fields.worth, currency),
      balance_until: new Date(fields.until).toISOString(),
    };
  return note;
}
