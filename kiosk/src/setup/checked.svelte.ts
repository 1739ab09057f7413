// SPDX-License-Identifier: Apache-2.0
import { call } from '../lib/api';
import { box } from '../lib/box.svelte';
import { boxNow } from '../lib/clock.svelte';
import { announceFailure } from '../lib/notices.svelte';
import type { Point, Preflight } from '../lib/types';

/// What the pre-flight says. Off air the box keeps it up to date by itself; on air it is asked for once, and again when
/// somebody wants to know: what it says of papers, the disk and the clock holds then too. Made while a component is.
export class Checked {
  busy = $state(false);
  at = $state(0); // of the one during a show, by the box's clock
  #during = $state.raw<Preflight>();
  #kept = $state.raw<Preflight>(); // stays to be read while it is looked again
  readonly #show = $derived(box.live?.is_live ? (box.live.show?.id ?? 0) : undefined);
  readonly #known = $derived(this.#show === undefined ? (box.preflight ?? this.#kept) : this.#during);
  readonly points = $derived<readonly Point[]>(this.#known?.points ?? []);
  readonly isKnown = $derived(this.#known !== undefined);
  readonly isDuringShow = $derived(this.#show !== undefined);

  constructor() {
    $effect(() => {
      if (box.preflight) this.#kept = box.preflight;
    });
    $effect(() => {
      if (this.#show !== undefined && box.link === 'online') void this.look().catch(() => undefined);
    });
  }

  /// Now, because somebody asked.
  async again(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      announceFailure(error);
    }
  }

  private async look(): Promise<void> {
    const show = this.#show;
    if (show === undefined) return box.lookAgain();
    this.busy = true;
    try {
      this.#during = await call<Preflight>('GET', show === 0 ? 'preflight' : `shows/${show}/preflight`);
      this.at = boxNow();
    } finally {
      this.busy = false;
    }
  }
}
