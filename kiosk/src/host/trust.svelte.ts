// SPDX-License-Identifier: Apache-2.0
// Whether a price may still be read out to viewers. One that the box has not told anew for a while may be another one.
import { call } from '../lib/api';
import { box } from '../lib/box.svelte';
import type { LiveAnswer } from '../lib/types';

const kHideAfter_ms = 5_000;
const kAsleep_ms = 3_000; // between two ticks of a second

export class Trust {
  #isOld = $state(false);
  /// Known from before this device slept: nobody can say how old it is.
  #slept = $state.raw<LiveAnswer>();
  readonly isGood = $derived(!this.#isOld && (this.#slept === undefined || this.#slept !== box.live));

  /// For as long as the component that calls it is there.
  watch(): void {
    const isCut = $derived(box.link !== 'online' || box.isBehind || box.status?.shop.is_reachable === false);
    $effect(() => {
      if (!isCut) return;
      const timer = window.setTimeout(() => (this.#isOld = true), kHideAfter_ms);
      return () => {
        clearTimeout(timer);
        this.#isOld = false;
      };
    });
    $effect(() => {
      let before = Date.now();
      const timer = window.setInterval(() => {
        if (document.hidden) return; // nobody reads it, and timers are slow
        const now = Date.now();
        if (now - before > kAsleep_ms) this.#wake();
        before = now;
      }, 1000);
      return () => clearInterval(timer);
    });
  }

  #wake(): void {
    this.#slept = box.live;
    // Where it fails, the link is lost too, and all is read when it is back.
    void call<LiveAnswer>('GET', 'live').then((live) => box.takeLive(live), () => undefined);
  }
}
