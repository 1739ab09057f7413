// SPDX-License-Identifier: Apache-2.0
import { call } from '../lib/api';
import { box } from '../lib/box.svelte';
import { explain } from '../lib/notices.svelte';

/// What a section reads for itself: when it is opened, when it is asked to, and anew after each connection. What was
/// read stays while it is read again. Made while a component is.
export class Reading<T> {
  value = $state.raw<T>();
  failure = $state.raw<{ text: string; detail: string }>();
  isBusy = $state(false);
  #newest = 0;

  constructor(private readonly path: string) {
    $effect(() => {
      if (box.link === 'online') void this.again();
    });
  }

  async again(): Promise<void> {
    const mine = ++this.#newest;
    this.isBusy = true;
    try {
      const value = await call<T>('GET', this.path);
      if (mine !== this.#newest) return;
      this.value = value;
      this.failure = undefined;
    } catch (error) {
      if (mine === this.#newest) this.failure = explain(error);
    } finally {
      if (mine === this.#newest) this.isBusy = false;
    }
  }
}
