// SPDX-License-Identifier: Apache-2.0
// What was done here and can be taken back, the newest last. What viewers have seen (a step, a cut) is not among it:
// that is gone to again.
import { announceFailure } from '../lib/notices.svelte';

interface Done {
  what: string;
  back: () => Promise<unknown>;
}

const kMost = 30;

class Undo {
  #done = $state.raw<Done[]>([]);
  isBusy = $state(false);

  get newest(): string | undefined {
    return this.#done.at(-1)?.what;
  }

  did(what: string, back: () => Promise<unknown>): void {
    this.#done = [...this.#done.slice(1 - kMost), { what, back }];
  }

  async takeBack(): Promise<void> {
    const newest = this.#done.at(-1);
    if (!newest || this.isBusy) return;
    this.isBusy = true;
    try {
      await newest.back();
      this.#done = this.#done.filter((each) => each !== newest);
    } catch (error) {
      announceFailure(error);
    } finally {
      this.isBusy = false;
    }
  }
}

export const undo = new Undo();
