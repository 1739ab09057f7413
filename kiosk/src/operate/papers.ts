// SPDX-License-Identifier: Apache-2.0
// The shop's papers, as far as an operator has use of them.
import { call } from '../lib/api';
import { isKey, t } from '../lib/i18n.svelte';

export interface Paper {
  id: string;
  state: string;
  document: { kind: string; holder: string; number?: string; valid_until?: string };
}
export interface Payee {
  id: string;
  payee: { name: string; masked_number: string; withdrawn?: boolean };
}
export interface Papers {
  documents: Paper[]; // that are valid today
  payees: Payee[]; // that are in use
}

export async function readPapers(): Promise<Papers> {
  const { documents, payees } = await call<Papers>('GET', 'documents');
  return {
    documents: documents.filter((each) => each.state === 'valid'),
    payees: payees.filter((each) => !each.payee.withdrawn),
  };
}

export function kindOf(paper: Paper): string {
  const key = `document.${paper.document.kind}`;
  return isKey(key) ? t(key) : paper.document.kind;
}
