// SPDX-License-Identifier: Apache-2.0
// What the desk knows of the past, asked for once and kept where it can't change any more.
import { call } from '../lib/api';
import type { Item, Moment, NoteVersion, Show, Shown } from '../lib/types';

export interface Ref {
  product: string;
  variant: string;
}
export const refText = (ref: Ref): string => (ref.variant === '' ? ref.product : `${ref.product}/${ref.variant}`);
export function refOf(name: string): Ref {
  const at = name.indexOf('/');
  return at < 0 ? { product: name, variant: '' } : { product: name.slice(0, at), variant: name.slice(at + 1) };
}

const query = (values: Record<string, string>): string => new URLSearchParams(values).toString();
const iso = (instant: number): string => new Date(instant).toISOString();

/// The desk answers with the oldest first and so many at most: it is asked again from where it stopped.
export async function shownIn(ref: Ref, from: number, until: number): Promise<Shown[]> {
  const all = new Map<string, Shown>();
  let begin = iso(from);
  for (;;) {
    const { shown, more } = await call<{ shown: Shown[]; more: boolean }>(
      'GET',
      `evidence/item?${query({ product: ref.product, variant: ref.variant, from: begin, until: iso(until) })}`,
    );
    for (const each of shown) all.set(`${each.program} ${each.session} ${each.layer} ${each.from}`, each);
    const last = shown.at(-1);
    if (!more || !last || last.from <= begin) return [...all.values()];
    begin = last.from;
  }
}

export function momentAt(program: string, at: number): Promise<Moment> {
  return call<Moment>('GET', `evidence/at?${query({ program, time: iso(at) })}`);
}

export function itemOf(name: string): Promise<Item> {
  return call<Item>('GET', `items/${encodeURIComponent(name)}`);
}

export async function notesOf(name: string): Promise<NoteVersion[]> {
  return (await call<{ versions: NoteVersion[] }>('GET', `items/${encodeURIComponent(name)}/note`)).versions;
}

/// The version that staff had written down at that time; before the first, there was none.
export function noteAt(versions: NoteVersion[], instant: number): NoteVersion | undefined {
  return versions.find((version) => Date.parse(version.changed_at) <= instant);
}

const shows = new Map<number, Promise<Show>>();
export function showOf(id: number): Promise<Show> {
  let found = shows.get(id);
  if (!found) {
    found = call<Show>('GET', `shows/${id}`);
    shows.set(id, found);
    found.catch(() => shows.delete(id));
  }
  return found;
}

/// `work` for each, some at a time; `told` of each that is done.
export async function forEachOf<T>(all: T[], work: (each: T) => Promise<void>, told: (done: number) => void): Promise<void> {
  const rest = [...all];
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let each = rest.shift(); each !== undefined; each = rest.shift()) {
      await work(each);
      told(++done);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}
