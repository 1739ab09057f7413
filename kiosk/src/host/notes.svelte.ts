// SPDX-License-Identifier: Apache-2.0
import { notesOf, refText } from '../lib/items';
import type { ItemNote, ItemRef } from '../lib/types';

const kFresh_ms = 5_000; // events come in bunches; what somebody mends in a note is here soon all the same

/// What staff wrote about the items of a show: read ahead, so that it stands there with its item, and read again when
/// something has changed. What was read stays where a reading fails.
export class Notes {
  #known = $state<Record<string, ItemNote>>({});
  readonly #readAt = new Map<string, number>();

  /// undefined: not known yet.
  of(ref: ItemRef): ItemNote | undefined {
    return this.#known[refText(ref)];
  }

  want(ref: ItemRef): void {
    const key = refText(ref);
    if (Date.now() - (this.#readAt.get(key) ?? 0) < kFresh_ms) return;
    this.#readAt.set(key, Date.now());
    notesOf(ref).then(
      (versions) => (this.#known[key] = versions[0]?.note ?? {}),
      () => this.#readAt.delete(key),
    );
  }
}
