// SPDX-License-Identifier: Apache-2.0
import { Refusal } from '../lib/api';
import { t } from '../lib/i18n.svelte';
import { explain } from '../lib/notices.svelte';

/// What a person is told of a form that was refused: for each value the sentence that says what to do; the desk's own
/// words for what has none.
export function said(error: unknown, sentences: Record<string, string>): { text: string; detail: string } {
  if (error instanceof Refusal) {
    const { problem } = error;
    if (problem.code === 'stale_revision') return { text: t('setup.stale'), detail: '' };
    const refused = problem.problems ?? [];
    const known = refused.map((each) => sentences[each.where]);
    if (known.length > 0 && known.every((each) => each !== undefined))
      return { text: [...new Set(known)].join('\n'), detail: '' };
  }
  return explain(error);
}
