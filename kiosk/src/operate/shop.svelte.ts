// SPDX-License-Identifier: Apache-2.0
// What the operator's page knows of the show's items: figures of all of them, and each item as the shop has it. Read
// anew when something may have changed, never asked for by the clock.
import { call } from '../lib/api';
import { box } from '../lib/box.svelte';
import { refText } from '../lib/items';
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
/// An item as customers find it in the shop, for a show.
export interface Listing extends ItemRef {
  id: number;
  state: 'queued' | 'listed' | 'delisted';
  why: string;
}

const kPauseMs = 500; // changes come in bunches

class Shop {
  items = $state.raw<Record<string, Item | null>>({}); // null: the shop has it no more
  figures = $state.raw<Figures>();
  offers = $state.raw<Offer[]>([]);
  listings = $state.raw<Listing[]>([]);
  #isRead = false; // no state: what follows it must not be read again for its own answer

  /// For an effect: reads what `show` needs now, and a moment after each change.
  follow(show: Show | undefined): () => void {
    void box.changes;
    const timer = window.setTimeout(() => void this.#read(show), this.#isRead ? kPauseMs : 0);
    return () => clearTimeout(timer);
  }

  offerOf(ref: ItemRef): Offer | undefined {
    return this.offers.find(
      (each) => each.state !== 'ended' && each.prices.some((price) => refText(price) === refText(ref)),
    );
  }

  listingOf(ref: ItemRef): Listing | undefined {
    return this.listings.find((each) => refText(each) === refText(ref));
  }

  async #read(show: Show | undefined): Promise<void> {
    if (!show) {
      this.figures = undefined;
      return;
    }
    try {
      const [figures, { offers }, { listings }, { items }] = await Promise.all([
        call<Figures>('GET', `shows/${show.id}/figures`),
        call<{ offers: Offer[] }>('GET', 'offers'),
        call<{ listings: Listing[] }>('GET', `listings?show=show-${show.id}`),
        call<{ items: Item[] }>('GET', `shows/${show.id}/items`),
      ]);
      this.#isRead = true;
      this.figures = figures;
      this.offers = offers;
      this.listings = listings;
      const known = Object.fromEntries(items.map((each) => [refText(each), each]));
      const planned = show.plan.rundown.flatMap((each) => (each.item ? [refText(each.item)] : []));
      this.items = { ...Object.fromEntries(planned.map((each) => [each, null])), ...known };
    } catch {
      // The socket says when the desk is back, and all is read then.
    }
  }
}

export const shop = new Shop();
