// SPDX-License-Identifier: Apache-2.0
/// What one camera sees, for an element of the page. The box makes a new one each 0.8 s at most, for all who look.

const kEveryMs = 2000;
const kAfterRefusalMs = 6000;

export interface Sight {
  /// '' where there is none.
  url: string;
  why: 'none' | 'stopped' | 'unknown' | 'lost';
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true });
  });
}

async function look(camera: string, signal: AbortSignal): Promise<Sight> {
  try {
    const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/picture`, { signal, cache: 'no-store' });
    if (answer.ok) return { url: URL.createObjectURL(await answer.blob()), why: 'none' };
    return { url: '', why: answer.status === 409 ? 'stopped' : 'unknown' };
  } catch {
    return { url: '', why: 'lost' };
  }
}

/// Until it is stopped. Nobody looks at a page that is not shown.
export function watchCamera(camera: string, onsight: (sight: Sight) => void): () => void {
  const stop = new AbortController();
  let last = '';
  const give = (sight: Sight): void => {
    onsight(sight);
    if (last !== '') URL.revokeObjectURL(last);
    last = sight.url;
  };
  void (async () => {
    while (!stop.signal.aborted) {
      const sight = document.hidden ? undefined : await look(camera, stop.signal);
      if (stop.signal.aborted) {
        if (sight?.url) URL.revokeObjectURL(sight.url);
        break;
      }
      if (sight) give(sight);
      await rest(sight?.url === '' ? kAfterRefusalMs : kEveryMs, stop.signal);
    }
    if (last !== '') URL.revokeObjectURL(last);
  })();
  return () => stop.abort();
}
