// SPDX-License-Identifier: Apache-2.0
// The shop's orders, by what is to be done with them, and when a balance is due: that stands in the item's note.
import { call, type Problem, Refusal, Silence } from '../lib/api';
import type { Item, NoteVersion, Order } from '../lib/types';
import { forEachOf, noteAt, notesOf, refText } from './evidence.svelte';

export const kLists = ['open_balance', 'unshipped', 'unpaid'] as const;
export type Which = (typeof kLists)[number] | 'all';
export const kMost = 1000; // that the desk gives of one list

interface Known {
  item: Item | undefined;
  notes: NoteVersion[];
}

export class Orders {
  lists = $state.raw<Partial<Record<Which, Order[]>>>({});
  fault = $state.raw<unknown>();
  /// How many items of the list have been looked up, of how many; nothing to say when both are equal.
  looked = $state.raw<{ done: number; all: number }>({ done: 0, all: 0 });
  known = $state.raw<ReadonlyMap<string, Known>>(new Map());

  readonly #known = new Map<string, Known>();
  #isReading = false;
  #isWanted = false;

  /// Everything that is counted in the tabs, and what the search looks in.
  async read(): Promise<void> {
    this.#isWanted = true;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const names: Which[] = [...kLists, 'all'];
        const found = await Promise.all(
          names.map(async (which) => (await call<{ orders: Order[] }>('GET', `orders?which=${which}`)).orders),
        );
        this.lists = Object.fromEntries(names.map((which, at) => [which, found[at]]));
        this.fault = undefined;
      }
    } catch (error) {
      this.fault = error;
    } finally {
      this.#isReading = false;
    }
  }

  find(number: string): Order | undefined {
    for (const list of Object.values(this.lists)) {
      const order = list?.find((each) => each.number === number);
      if (order) return order;
    }
    return undefined;
  }

  /// Orders of which somebody has a piece of the number.
  matching(text: string): Order[] {
    const wanted = text.trim().toLowerCase();
    if (wanted.length < 2) return [];
    return (this.lists.all ?? []).filter((order) => order.number.toLowerCase().includes(wanted));
  }

  /// Looks up what is ordered: an order says only its number.
  async lookUp(orders: Order[]): Promise<void> {
    const missing = [...new Set(orders.flatMap((order) => order.lines.map((line) => line.sku)))].filter(
      (sku) => sku !== '' && !this.#known.has(sku),
    );
    if (missing.length === 0) return;
    this.looked = { done: 0, all: missing.length };
    try {
      await forEachOf(
        missing,
        async (sku) => void this.#known.set(sku, await lookUp(sku)),
        (done) => (this.looked = { done, all: missing.length }),
      );
    } catch (error) {
      this.fault = error;
    }
    this.looked = { done: 0, all: 0 };
    this.known = new Map(this.#known);
  }

  itemOf(sku: string): Item | undefined {
    return this.known.get(sku)?.item;
  }
  /// Until when the rest of it is to be paid, as it was promised when it was ordered; the earliest of its lines.
  dueOf(order: Order): number | undefined {
    const placed = Date.parse(order.placed_at);
    const dues = order.lines.flatMap((line) => {
      const notes = this.known.get(line.sku)?.notes ?? [];
      const until = (noteAt(notes, placed) ?? notes.at(-1))?.note.deposit?.balance_until;
      return until === undefined ? [] : [Date.parse(until)];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }
}

async function lookUp(sku: string): Promise<Known> {
  const { items } = await call<{ items: Item[] }>('GET', `items?limit=20&search=${encodeURIComponent(sku)}`);
  const exact = items.filter((item) => item.sku === sku);
  const item = exact.length === 1 ? exact[0] : undefined; // two of one number: nobody knows which it was
  if (!item) return { item, notes: [] };
  const notes = await notesOf(refText(item)).catch((error: unknown) => {
    if (error instanceof Refusal && error.problem.status === 404) return [];
    throw error;
  });
  return { item, notes };
}

export const orders = new Orders();

export const paidOf = (order: Order): { minor: number; currency: string } => ({
  minor: order.total.minor - order.balance.minor,
  currency: order.total.currency,
});
/// Nobody owes anything for what was called off.
export const isOff = (order: Order): boolean => order.state === 'cancelled' || order.state === 'refunded';

/// The desk's own file, under a name that says what it is.
export async function saveTable(which: Which, name: string): Promise<void> {
  const query = `/api/v1/orders?which=${which}&format=csv`;
  const answer = await fetch(query, { cache: 'no-store', signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
  if (!answer) throw new Silence('lost');
  if (!answer.ok) throw new Refusal((await answer.json()) as Problem);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
