// SPDX-License-Identifier: Apache-2.0
// What the operator's page knows of the show's items: figures of all of them, and each item as the shop has it. Read
// anew when something may have changed, never asked for by the clock.
import { call, Refusal } from '../lib/api';
import { box } from '../lib/box.svelte';
import type { Item, Money, Offer, Ref, Show } from '../lib/types';

export interface Tally {
  orders: number;
  pieces: number;
  sales: Money;
}
export interface Order {
  name: string;
  item: Ref;
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

export const keyOf = (ref: Ref): string => `${ref.product}/${ref.variant}`;
export const pathOf = (ref: Ref): string =>
  `items/${encodeURIComponent(ref.variant === '' ? ref.product : keyOf(ref))}`;

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

  offerOf(ref: Ref): Offer | undefined {
    return this.offers.find(
      (each) =>
        each.state !== 'ended' &&
        each.prices.some((price) => price.product === ref.product && price.variant === ref.variant),
    );
  }

  async #read(show: number | undefined, refs: Ref[]): Promise<void> {
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

  async #item(ref: Ref): Promise<[string, Item | null]> {
    try {
      return [keyOf(ref), await call<Item>('GET', pathOf(ref))];
    } catch (error) {
      if (error instanceof Refusal && error.problem.status === 404) return [keyOf(ref), null];
      throw error;
    }
  }
}

export const shop = new Shop();
