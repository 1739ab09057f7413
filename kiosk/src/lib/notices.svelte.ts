// SPDX-License-Identifier: Apache-2.0
import { Refusal, Silence } from './api';
import { currentLanguage, t } from './i18n.svelte';

/// Something that was asked for and did not go as wished. It stays until somebody has read it.
export interface Notice {
  id: number;
  text: string;
  detail: string;
  tone: 'bad' | 'news';
}

let list = $state.raw<Notice[]>([]);
let lastId = 0;

export function notices(): Notice[] {
  return list;
}

export function announce(text: string, detail = '', tone: Notice['tone'] = 'news'): void {
  const rest = list.filter((each) => each.text !== text);
  list = [...rest.slice(-2), { id: ++lastId, text, detail, tone }];
}

export function dismiss(id: number): void {
  list = list.filter((each) => each.id !== id);
}

/// What a person is told of a call that failed: a sentence, and the details for who helps.
export function explain(error: unknown): { text: string; detail: string } {
  if (error instanceof Silence) return { text: t(error.kind === 'lost' ? 'error.lost' : 'error.timeout'), detail: '' };
  if (error instanceof Refusal) {
    const { problem } = error;
    return { text: currentLanguage() === 'zh' ? problem.title_zh : problem.title, detail: problem.detail };
  }
  throw error; // a fault of ours
}

export function announceFailure(error: unknown): void {
  const { text, detail } = explain(error);
  announce(text, detail, 'bad');
}
