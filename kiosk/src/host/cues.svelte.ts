// SPDX-License-Identifier: Apache-2.0
import { call } from '../lib/api';
import { box } from '../lib/box.svelte';
import { announceFailure } from '../lib/notices.svelte';
import type { Cue } from '../lib/types';

const kSeen_ms = 1_500; // a key that was pressed just before it came was meant for the points

/// As large as it is short.
export function lengthOf(cue: Cue): 'short' | 'long' | 'longest' {
  return cue.text.length <= 40 ? 'short' : cue.text.length <= 110 ? 'long' : 'longest';
}

/// What colleagues tell the host, the newest first: it is about now.
export class Cues {
  /// Those that were read here are gone at once; the box follows.
  #read = $state.raw<readonly number[]>([]);
  readonly list = $derived.by((): Cue[] =>
    (box.live?.cues ?? []).filter((cue) => !this.#read.includes(cue.id)).reverse(),
  );
  #standsSince = 0;

  /// Called whenever another one stands on top.
  stood(): void {
    this.#standsSince = Date.now();
  }

  /// By a key, which may have been meant for something else.
  readByKey(): boolean {
    const cue = this.list[0];
    if (!cue || box.link !== 'online' || Date.now() - this.#standsSince < kSeen_ms) return false;
    void this.read(cue.id);
    return true;
  }

  async read(id: number): Promise<void> {
    this.#read = [...this.#read, id];
    try {
      await call('DELETE', `live/cues/${id}`);
    } catch (error) {
      this.#read = this.#read.filter((each) => each !== id);
      announceFailure(error);
    }
  }
}
