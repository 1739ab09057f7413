// SPDX-License-Identifier: Apache-2.0
// What the operator's page knows of the show's items: figures of all of them, and each item as the shop has it. Read
// anew when something may have changed, never asked for by the clock.
import { call, Refusal } from '../lib/api';
import { box } from '../lib/box.svelte';
import { itemPath, refText } from '../lib/items';
import type { Item, Money, Offer, ItemRef, Show } from '../lib/types';

export interface Tally {
  orders: number;
  pieces: number;
  sales: Money;
}
export interface Order {
  name: string;
  item: ItemRef;
  sku: string;
  quantity: number;
  placed_at: string;
}
export interface Figures {
  all: Tally;
  items: (Tally & { segment: number; number: number; title?: string; stock?: number })[];
  newest: Order[];
}

const kPauseMs = 500; // changes come in bunches

class Shop {
  items = $state.raw<Record<string, Item | null>>({}); // null: the shop has it no more
  figures = $state.raw<Figures>();
  offers = $state.raw<Offer[]>([]);
  #timer: number | undefined;

  /// For an effect: reads what `show` needs now, and a moment after each change.
  follow(show: Show | undefined): () => void {
    void box.changes;
    const refs = show?.plan.rundown.flatMap((each) => (each.item ? [each.item] : [])) ?? [];
    this.#timer = window.setTimeout(() => void this.#read(show?.id, refs), this.figures ? kPauseMs : 0);
    return () => clearTimeout(this.#timer);
  }

  offerOf(ref: ItemRef): Offer | undefined {
    return this.offers.find(
      (each) =>
        each.state !== 'ended' &&
        each.prices.some((price) => price.product === ref.product && price.variant === ref.variant),
    );
  }

  async #read(show: number | undefined, refs: ItemRef[]): Promise<void> {
    try {
      const [figures, { offers }, ...items] = await Promise.all([
        show === undefined ? undefined : call<Figures>('GET', `shows/${show}/figures`),
        call<{ offers: Offer[] }>('GET', 'offers'),
        ...refs.map((ref) => this.#item(ref)),
      ]);
      this.figures = figures;
      this.offers = offers;
      this.items = Object.fromEntries(items);
    } catch {
      // The socket says when the desk is back, and all is read then.
    }
  }

  async #item(ref: ItemRef): Promise<[string, Item | null]> {
    try {
      return [refText(ref), await call<Item>('GET', itemPath(ref))];
    } catch (error) {
      if (error instanceof Refusal && error.problem.status === 404) return [refText(ref), null];
      throw error;
    }
  }
}

export const shop = new Shop();
