// SPDX-License-Identifier: Apache-2.0
import { call } from './api';
import type { ItemRef, NoteVersion } from './types';

/// As addresses have it: the product, or "product/variant".
export function refText(ref: ItemRef): string {
  return ref.variant === '' ? ref.product : `${ref.product}/${ref.variant}`;
}

export function itemPath(ref: ItemRef, rest = ''): string {
  return `items/${encodeURIComponent(refText(ref))}${rest}`;
}

/// Every version of what staff wrote down about it, the newest first.
export async function notesOf(ref: ItemRef): Promise<NoteVersion[]> {
  return (await call<{ versions: NoteVersion[] }>('GET', itemPath(ref, '/note'))).versions;
}
