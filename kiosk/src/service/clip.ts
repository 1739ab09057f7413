// SPDX-License-Identifier: Apache-2.0
// A piece of the recording. It is taken whole, so that one can seek in it.
import { Refusal, Silence, type Problem } from '../lib/api';

export const kLongestMs = 120_000;

export interface Span {
  program: string;
  from: number;
  until: number;
}

/// Not before the show began nor after it, not beyond what the desk gives at once.
export function spanOf(
  program: string,
  from: number,
  until: number,
  began: number | undefined,
  ended: number | undefined,
): Span {
  const first = Math.max(from, began ?? from);
  const last = Math.min(until, ended ?? until);
  return { program, from: first, until: Math.min(Math.max(last, first + 2_000), first + kLongestMs) };
}

const kQuietMs = 15_000;

export async function fetchClip(span: Span, stop: AbortSignal, onBytes: (count: number) => void): Promise<Blob> {
  const query = new URLSearchParams({
    program: span.program,
    from: new Date(span.from).toISOString(),
    until: new Date(span.until).toISOString(),
  });
  const quiet = new AbortController();
  let isQuiet = false;
  const giveUp = (): void => {
    isQuiet = true;
    quiet.abort();
  };
  stop.addEventListener('abort', () => quiet.abort(), { once: true });
  let timer = window.setTimeout(giveUp, kQuietMs);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  try {
    const answer = await fetch(`/api/v1/evidence/clip?${query}`, {
      signal: quiet.signal,
      cache: 'no-store',
    });
    if (!answer.ok || !answer.body) throw new Refusal((await answer.json()) as Problem);
    const reader = answer.body.getReader();
    let count = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = window.setTimeout(giveUp, kQuietMs);
      parts.push(part.value as Uint8Array<ArrayBuffer>);
      onBytes((count += part.value.byteLength));
    }
  } catch (error) {
    if (error instanceof Refusal || stop.aborted) throw error;
    throw new Silence(isQuiet ? 'timeout' : 'lost');
  } finally {
    clearTimeout(timer);
  }
  return new Blob(parts, { type: 'video/mp4' });
}
