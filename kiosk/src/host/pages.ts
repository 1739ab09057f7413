// SPDX-License-Identifier: Apache-2.0
/// Where a list of lines that is longer than its window goes a page on: the next one begins with the first entry that
/// was not whole, so that nothing is split but what is longer than the window itself.
const kSlack = 2; // fractions of a pixel

interface Extent {
  top: number;
  bottom: number;
}

function extents(view: HTMLElement): Extent[] {
  const origin = view.getBoundingClientRect().top - view.scrollTop;
  return [...view.querySelectorAll('li')].map((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    return { top: top - origin, bottom: bottom - origin };
  });
}

/// How many entries are not whole in sight, above and below. One that its page ends in the middle of, and that begins
/// the next one, gets the class `cut`; one that the last page begins in the middle of, and that was whole before, too.
export function hidden(view: HTMLElement, cut: string): { above: number; below: number } {
  const [top, bottom] = [view.scrollTop, view.scrollTop + view.clientHeight];
  const all = extents(view);
  const entries = view.querySelectorAll('li');
  all.forEach((each, index) => {
    const isBelow = each.top > top + kSlack && each.bottom > bottom + kSlack;
    const isAbove = each.top < top - kSlack && each.bottom < bottom && each.bottom - each.top <= view.clientHeight;
    entries[index]?.classList.toggle(cut, isBelow || isAbove);
  });
  return {
    above: all.filter((each) => each.top < top - kSlack).length,
    below: all.filter((each) => each.bottom > bottom + kSlack).length,
  };
}

export function nextPage(view: HTMLElement): number {
  const [top, height] = [view.scrollTop, view.clientHeight];
  const line = parseFloat(getComputedStyle(view).fontSize) * 1.5;
  const cut = extents(view).find((each) => each.bottom > top + height + kSlack);
  if (!cut) return top;
  return cut.top > top + kSlack ? cut.top : top + height - line;
}

export function previousPage(view: HTMLElement): number {
  const [top, height] = [view.scrollTop, view.clientHeight];
  const line = parseFloat(getComputedStyle(view).fontSize) * 1.5;
  const first = extents(view).find((each) => each.top >= top - height - kSlack && each.top < top - kSlack);
  return Math.max(0, first ? first.top : top - height + line);
}

/// How long somebody reads aloud what is in sight: five characters a second, and he looks up in between.
export function readingTime_ms(view: HTMLElement): number {
  const share = Math.min(1, view.clientHeight / Math.max(1, view.scrollHeight));
  return Math.max(8_000, ((view.textContent?.length ?? 0) * share * 1000) / 4);
}
