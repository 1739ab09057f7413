// SPDX-License-Identifier: Apache-2.0
// Hands stay on the keyboard: / searches, the arrows move in a list, Enter opens, Escape goes back.

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('textarea, select, input:not([type=checkbox]):not([type=radio])');

const kRows = '[data-keys] .row';

/// The row above or below the one that has the focus, in its own list; from the search, the first one.
function step(by: 1 | -1, search: HTMLElement | undefined): boolean {
  const here = document.activeElement;
  const list = here?.closest('[data-keys]');
  const rows = [...(list?.querySelectorAll<HTMLElement>('.row') ?? document.querySelectorAll<HTMLElement>(kRows))];
  const at = here instanceof HTMLElement ? rows.indexOf(here) : -1;
  if (at < 0 && by < 0) return false;
  const next = rows[at + by];
  if (next) next.focus();
  else if (by < 0) search?.focus();
  return next !== undefined || by < 0;
}

/// What a key does here; whether it did something.
export function pressed(
  event: KeyboardEvent,
  search: HTMLInputElement | undefined,
  open: () => void,
  back: () => boolean,
): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || document.querySelector('dialog[open]')) return false;
  const isInSearch = document.activeElement === search;
  if (isTyping(event.target) && !isInSearch) return false;
  switch (event.key) {
    case '/':
      if (isInSearch) return false;
      search?.focus();
      search?.select();
      return true;
    case 'ArrowDown':
      return step(1, search);
    case 'ArrowUp':
      return !isInSearch && step(-1, search);
    case 'Enter':
      if (!isInSearch) return false; // a button's own
      open();
      return true;
    case 'Escape':
      return back();
    default:
      return false;
  }
}
