// SPDX-License-Identifier: Apache-2.0
/// What was typed and not sent outlives a reload of the page, in this tab. Nothing secret comes here.
export class Draft<T extends object> {
  form: T;
  readonly #key: string;

  constructor(key: string, initial: T) {
    this.#key = `vitrine.draft.${key}`;
    const kept = sessionStorage.getItem(this.#key);
    this.form = $state(kept === null ? initial : { ...initial, ...(JSON.parse(kept) as T) });
    $effect(() => sessionStorage.setItem(this.#key, JSON.stringify(this.form)));
  }

  /// It was sent, or is not wanted any more.
  drop(): void {
    const key = this.#key;
    // After the last effect of whoever used it.
    window.setTimeout(() => sessionStorage.removeItem(key));
  }
}
