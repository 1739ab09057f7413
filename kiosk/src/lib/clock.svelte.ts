// SPDX-License-Identifier: Apache-2.0
// One tick a second for everything that counts, at the turn of the box's seconds; none while nobody can see it.

let offsetMs = 0; // the box's clock less this browser's
let now = $state(Date.now());
let timer: number | undefined;

function tick(): void {
  clearTimeout(timer);
  if (document.hidden) return;
  now = Date.now() + offsetMs;
  timer = window.setTimeout(tick, 1000 - (now % 1000) + 5);
}

/// The box says what time it is; half of the way there is all that is not known.
export function learnTime(box: string): void {
  const seen = Date.parse(box) - Date.now();
  // A slow answer must not make a countdown jump.
  if (Math.abs(seen - offsetMs) < 300) return;
  offsetMs = seen;
  tick();
}

/// Milliseconds by the box's clock, to the second.
export function boxNow(): number {
  return now;
}

document.addEventListener('visibilitychange', tick);
tick();
