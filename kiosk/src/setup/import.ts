// SPDX-License-Identifier: Apache-2.0
import { call, kLongPatienceMs, upload } from '../lib/api';
import type { Imported } from './told';

/// A file as the desk takes it in a JSON body.
export function base64Of(file: Blob): Promise<string> {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done((reader.result as string).replace(/^[^,]*,/, ''));
    reader.onerror = () => fail(reader.error ?? new Error('unreadable'));
    reader.readAsDataURL(file);
  });
}

/// With `trial` nothing is changed.
export async function importTable(table: File, photos: readonly File[], trial: boolean): Promise<Imported> {
  const body = { trial, table: await base64Of(table), photos: photos.map((each) => each.name) };
  return call<Imported>('POST', 'items/import', body, kLongPatienceMs);
}

/// Those that the table names, one after the other. One that is refused keeps no other away.
export async function sendPhotos(
  photos: readonly File[],
  wanted: readonly string[],
  onstep: (done: number) => void,
): Promise<{ name: string; error: unknown }[]> {
  const failed: { name: string; error: unknown }[] = [];
  const chosen = photos.filter((each) => wanted.includes(each.name));
  for (const [at, photo] of chosen.entries()) {
    onstep(at + 1);
    try {
      await upload(`photos/${encodeURIComponent(photo.name)}`, photo);
    } catch (error) {
      failed.push({ name: photo.name, error });
    }
  }
  return failed;
}
