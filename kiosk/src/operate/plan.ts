// SPDX-License-Identifier: Apache-2.0
// The show's plan, and how it is changed: as a whole, upon the version that was seen. Who was slower is told so and sees
// the other one's.
import { call } from '../lib/api';
import { box } from '../lib/box.svelte';
import { t } from '../lib/i18n.svelte';
import { refText } from '../lib/items';
import type { Item, Segment, Show } from '../lib/types';

export function nameOf(segment: Segment, items: Record<string, Item | null>): string {
  if (segment.title) return segment.title;
  if (!segment.item) return t(`kind.${segment.kind}`);
  const item = items[refText(segment.item)];
  return item?.title ?? (item === null ? t('operate.item.gone') : segment.item.product);
}

/// The items' own count: 1 for the first item, whatever stands between them.
export function numberOf(rundown: Segment[], at: number): number | undefined {
  if (rundown[at]?.kind !== 'item') return undefined;
  return rundown.slice(0, at + 1).filter((each) => each.kind === 'item').length;
}

/// The rundown with `segment` at `at`, wherever it was before.
export function withAt(rundown: Segment[], segment: Segment, at: number): Segment[] {
  const rest = rundown.filter((each) => each.id === undefined || each.id !== segment.id);
  return [...rest.slice(0, at), segment, ...rest.slice(at)];
}

export function without(rundown: Segment[], id: number): Segment[] {
  return rundown.filter((each) => each.id !== id);
}

/// The newer of what the page has read and what the desk answered to its last change.
export function newest(read: Show | undefined, answered: Show | undefined): Show | undefined {
  return answered && (!read || (read.id === answered.id && read.version < answered.version)) ? answered : read;
}

/// The show as it is after that.
export async function putPlan(show: Show, plan: Partial<Show['plan']>): Promise<Show> {
  const changed = await call<Show>('PUT', `shows/${show.id}`, {
    plan: { ...show.plan, ...plan },
    version: show.version,
  });
  box.reread();
  return changed;
}

export async function makeShow(plan: Partial<Show['plan']>): Promise<Show> {
  const made = await call<Show>('POST', 'shows', { plan });
  box.choose(made.id);
  box.reread();
  return made;
}
