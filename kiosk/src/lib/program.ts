// SPDX-License-Identifier: Apache-2.0
/// What a program looks like, for an element of the page: the coded one while it is on air, decoded by the browser
/// as the viewers' players do; a picture now and then before that.

const kAgainMs = 1000;
const kPictureEveryMs = { programs: 3000, cameras: 1000 };
const kFarBehind_s = 1; // a page that was asleep goes on at what is shown now
const kBehind_s = 0.35;
const kCatchUp = 1.06; // nobody hears it: the sound of a page in the studio is off
const kKeep_s = 10;

type Stop = () => void;

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true });
  });
}

function happens(target: EventTarget, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    target.addEventListener(name, () => done(), { once: true, signal });
    target.addEventListener('error', () => fail(new Error(name)), { once: true, signal });
    signal.addEventListener('abort', () => fail(new Error('over')), { once: true });
  });
}

function follow(video: HTMLVideoElement, buffered: TimeRanges): void {
  if (buffered.length === 0) return;
  const end = buffered.end(buffered.length - 1);
  const behind = end - video.currentTime;
  if (behind > kFarBehind_s || behind < 0) video.currentTime = Math.max(buffered.start(buffered.length - 1), end - 0.1);
  video.playbackRate = behind > kBehind_s ? kCatchUp : 1;
  if (video.paused) void video.play().catch(() => undefined);
}

async function show(video: HTMLVideoElement, program: string, signal: AbortSignal, seen: Stop): Promise<void> {
  const answer = await fetch(`/api/v1/programs/${encodeURIComponent(program)}/stream`, { signal, cache: 'no-store' });
  const type = answer.headers.get('Content-Type') ?? '';
  if (!answer.ok || !answer.body || !MediaSource.isTypeSupported(type)) throw new Error(type);
  const source = new MediaSource();
  const url = URL.createObjectURL(source);
  video.src = url;
  try {
    await happens(source, 'sourceopen', signal);
    const buffer = source.addSourceBuffer(type);
    const reader = answer.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      buffer.appendBuffer(part.value);
      await happens(buffer, 'updateend', signal);
      follow(video, buffer.buffered);
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) seen();
      if (video.currentTime - (buffer.buffered.length > 0 ? buffer.buffered.start(0) : 0) < 2 * kKeep_s) continue;
      buffer.remove(0, video.currentTime - kKeep_s);
      await happens(buffer, 'updateend', signal);
    }
  } finally {
    URL.revokeObjectURL(url);
  }
}

/// Until it is stopped; a stream that ends is asked for again. `onPicture`: whether there is something to see.
export function watchProgram(video: HTMLVideoElement, program: string, onPicture: (there: boolean) => void): Stop {
  const stop = new AbortController();
  void (async () => {
    while (!stop.signal.aborted) {
      await show(video, program, stop.signal, () => onPicture(true)).catch(() => undefined);
      onPicture(false);
      await rest(kAgainMs, stop.signal);
    }
    video.removeAttribute('src');
    video.load();
  })();
  return () => stop.abort();
}

/// Addresses of one picture after the other; '' when there is none.
export function watchPictures(of: 'programs' | 'cameras', id: string, onPicture: (url: string) => void): Stop {
  const stop = new AbortController();
  void (async () => {
    let last = '';
    const give = (url: string): void => {
      onPicture(url);
      if (last !== '') URL.revokeObjectURL(last);
      last = url;
    };
    while (!stop.signal.aborted) {
      try {
        const answer = await fetch(`/api/v1/${of}/${encodeURIComponent(id)}/picture`, { signal: stop.signal, cache: 'no-store' });
        give(answer.ok ? URL.createObjectURL(await answer.blob()) : '');
      } catch {
        give('');
      }
      await rest(kPictureEveryMs[of], stop.signal);
      // Nobody looks at a page that is not shown.
      if (document.hidden) await happens(document, 'visibilitychange', stop.signal).catch(() => undefined);
    }
    give('');
  })();
  return () => stop.abort();
}
