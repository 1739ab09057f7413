// SPDX-License-Identifier: Apache-2.0
// Where on the page one is. It stands in the address: a reload loses nothing, "back" goes back, and a colleague who is
// sent the address sees the same.

export const kViews = ['find', 'open_balance', 'unshipped', 'unpaid', 'time'] as const;
export type View = (typeof kViews)[number];

export interface Place {
  view: View;
  query: string;
  /// One of these three, or nothing, is what the answer is about.
  item: string; // product, or product/variant
  order: string; // its number
  at: string; // an instant
  program: string; // of `at`; and of the appearance that was chosen
  phase: string; // when the chosen appearance began
}

const kNowhere: Place = { view: 'find', query: '', item: '', order: '', at: '', program: '', phase: '' };

function read(): Place {
  const words = new URLSearchParams(location.hash.slice(1));
  const found: Place = { ...kNowhere };
  for (const key of Object.keys(kNowhere) as (keyof Place)[]) {
    const value = words.get(key);
    if (value === null) continue;
    if (key === 'view') found.view = kViews.find((view) => view === value) ?? 'find';
    else found[key] = value;
  }
  if (found.at !== '' && Number.isNaN(Date.parse(found.at))) found.at = '';
  return found;
}

let now = $state.raw<Place>(read());
window.addEventListener('popstate', () => (now = read()));
window.addEventListener('hashchange', () => (now = read()));

export function place(): Place {
  return now;
}

function write(how: 'pushState' | 'replaceState', change: Partial<Place>): void {
  now = { ...now, ...change };
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(now)) if (value !== '' && value !== 'find') words.set(key, value as string);
  const hash = words.toString();
  history[how](null, '', hash === '' ? location.pathname : `#${hash}`);
}

/// Somewhere else: "back" leads here.
export function go(change: Partial<Place>): void {
  write('pushState', change);
}
/// The same place, put more exactly.
export function settle(change: Partial<Place>): void {
  write('replaceState', change);
}

export const kNoAnswer = { item: '', order: '', at: '', program: '', phase: '' } as const;
export function hasAnswer(where: Place): boolean {
  return where.item !== '' || where.order !== '' || where.at !== '';
}
