// SPDX-License-Identifier: Apache-2.0
// The evidence has a row for each change of the picture; people remember one showing of an item after the other.
import type { Amount, Form, Shown } from '../lib/types';

/// One price, as long as it stood there.
export interface Phase {
  from: number;
  until: number | undefined; // it still stands
  form: Form;
  price: Amount | null; // nothing where viewers saw none
  offer: number | undefined;
  offerEnd: number | undefined;
  /// When this was on screen for certain: the beginning of the longest of its rows.
  at: number;
  longest: number;
}
/// The item was on screen without a break.
export interface Appearance {
  program: string;
  session: string;
  from: number;
  until: number | undefined;
  phases: Phase[];
}

const kGap = 1500; // a change of the scene in between is no break
const kBlink = 400; // what nobody could read: between two rows of one change
const kPending = 2000; // the card waits for the shop to confirm an offer: no price for a moment, and no news
/// Layers that say something beside the card, and are there only with it.
const kBeside = /^(countdown|limited)$/;

function phaseOf(piece: Shown): Phase {
  const from = Date.parse(piece.from);
  const until = piece.until === null ? undefined : Date.parse(piece.until);
  // One that was over is named by the evidence still, and has nothing to do with this price.
  const offer = piece.offer && (piece.form !== 'normal' || Date.parse(piece.offer.end) > from) ? piece.offer : null;
  return {
    from,
    until,
    form: piece.form,
    price: piece.form === 'normal' ? piece.price : null,
    offer: offer?.id,
    offerEnd: offer ? Date.parse(offer.end) : undefined,
    at: from,
    longest: (until ?? Infinity) - from,
  };
}

const isSame = (a: Phase, b: Phase): boolean =>
  a.form === b.form &&
  a.price?.minor === b.price?.minor &&
  a.price?.currency === b.price?.currency &&
  a.offer === b.offer;

function extend(phases: Phase[], next: Phase): void {
  const last = phases.at(-1);
  if (!last || !isSame(last, next)) {
    phases.push(next);
    return;
  }
  last.until = next.until;
  if (next.longest > last.longest) [last.at, last.longest] = [next.at, next.longest];
}

/// The newest first; the phases of each in the order in which they were seen.
export function appearancesOf(shown: Shown[]): Appearance[] {
  const all: Appearance[] = [];
  const pieces = shown
    .filter((piece) => !kBeside.test(piece.layer))
    .sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  for (const piece of pieces) {
    const phase = phaseOf(piece);
    const open = [...all].reverse().find((each) => each.program === piece.program && each.session === piece.session);
    if (open && (open.until === undefined || phase.from - open.until <= kGap)) {
      extend(open.phases, phase);
      if (phase.until === undefined || (open.until !== undefined && phase.until > open.until)) open.until = phase.until;
    } else {
      const { program, session } = piece;
      all.push({ program, session, from: phase.from, until: phase.until, phases: [phase] });
    }
  }
  for (const each of all) {
    const read = each.phases.filter((phase) => phase.longest >= (phase.price === null ? kPending : kBlink));
    if (read.length === 0) continue;
    each.phases = [];
    for (const phase of read) extend(each.phases, phase);
  }
  return all.sort((a, b) => b.from - a.from || a.program.localeCompare(b.program));
}

/// What was on screen last before an order was placed: that is what the customer saw.
export function lastBefore(all: Appearance[], instant: number): { appearance: Appearance; phase: Phase } | undefined {
  for (const appearance of all) {
    const phase = [...appearance.phases].reverse().find((each) => each.from <= instant);
    if (phase) return { appearance, phase };
  }
  return undefined;
}
