// SPDX-License-Identifier: Apache-2.0
// The shop's items by number, name or pinyin, page by page; of two searches the later one counts.
import { call } from '../lib/api';
import type { Item, LiveAnswer, Show } from '../lib/types';
import { forEachOf, itemOf, refText } from './evidence.svelte';

const kPage = 30;
const kPauseMs = 150; // who types is not done

export class Search {
  items = $state.raw<Item[]>();
  total = $state(0);
  fault = $state.raw<unknown>();
  isReading = $state(false);
  /// What was asked: the list on screen is of this.
  asked = $state('');

  #timer: number | undefined;
  #turn = 0;

  ask(text: string): void {
    clearTimeout(this.#timer);
    const wanted = text.trim();
    if (wanted === '') {
      ++this.#turn;
      [this.items, this.total, this.asked, this.isReading] = [undefined, 0, '', false];
      return;
    }
    if (wanted === this.asked && this.items) return;
    this.isReading = true;
    this.#timer = window.setTimeout(() => void this.#read(wanted, 0), kPauseMs);
  }

  more(): void {
    if (!this.isReading) void this.#read(this.asked, this.items?.length ?? 0);
  }

  async #read(text: string, offset: number): Promise<void> {
    const turn = ++this.#turn;
    this.isReading = true;
    try {
      const query = new URLSearchParams({ search: text, offset: String(offset), limit: String(kPage) });
      const found = await call<{ items: Item[]; total: number }>('GET', `items?${query}`);
      if (turn !== this.#turn) return;
      this.items = offset === 0 ? found.items : [...(this.items ?? []), ...found.items];
      [this.total, this.asked, this.fault] = [found.total, text, undefined];
    } catch (error) {
      if (turn === this.#turn) this.fault = error;
    } finally {
      if (turn === this.#turn) this.isReading = false;
    }
  }
}

export interface Latest {
  title: string;
  isLive: boolean;
  /// `product` or `product/variant`, and what it is called.
  items: { name: string; item: Item; isOn: boolean }[];
}

type Rundown = { kind: string; item?: { product: string; variant: string } }[];

/// What people ask about most: what is on now, or was in the last show.
export async function latestOf(live: LiveAnswer): Promise<Latest | undefined> {
  let show: Show | undefined = live.show;
  if (!live.is_live) show = (await call<{ shows: Show[] }>('GET', 'shows?state=over&limit=1')).shows[0];
  if (!show) return undefined;
  const names = (show.plan.rundown as Rundown).flatMap((segment) => (segment.item ? [refText(segment.item)] : []));
  const wanted = [...new Set(names)].slice(0, kPage);
  const found = new Map<string, Item>();
  await forEachOf(
    wanted,
    async (name) => {
      const item = await itemOf(name).catch(() => undefined);
      if (item) found.set(name, item);
    },
    () => undefined,
  );
  const on = live.on?.item ? refText(live.on.item) : '';
  const items = wanted.flatMap((name) => {
    const item = found.get(name);
    return item ? [{ name, item, isOn: name === on }] : [];
  });
  return { title: show.plan.title, isLive: live.is_live, items };
}
