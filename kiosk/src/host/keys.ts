// SPDX-License-Identifier: Apache-2.0
// Clickers are keyboards with a few keys: forward, back, and one that blanks the screen of a talk.

export type Wish = 'down' | 'up' | 'read';

const kWishes: Record<string, Wish> = {
  PageDown: 'down',
  ArrowDown: 'down',
  ArrowRight: 'down',
  PageUp: 'up',
  ArrowUp: 'up',
  ArrowLeft: 'up',
  Enter: 'read',
  ' ': 'read',
  '.': 'read',
  b: 'read',
};

export function wishOf(event: KeyboardEvent): Wish | undefined {
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  // What is typed, and a button that has the focus, mean themselves.
  const target = event.target;
  if (target instanceof HTMLInputElement) return undefined;
  const wish = kWishes[event.key];
  if (wish === 'read' && target instanceof HTMLButtonElement) return undefined;
  return document.querySelector('dialog[open]') ? undefined : wish;
}
