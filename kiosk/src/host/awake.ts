// SPDX-License-Identifier: Apache-2.0
/// A prompter that goes dark in the middle of a sentence is none. Browsers let the screen sleep again whenever the page
/// was out of sight, and give no lock at all on a page that came in clear over a network.
export function stayAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  const ask = (): void => {
    if (document.hidden || !('wakeLock' in navigator)) return;
    navigator.wakeLock.request('screen').then(
      (given) => (lock = given),
      () => undefined, // the battery is nearly empty, or the browser doesn't want to
    );
  };
  ask();
  document.addEventListener('visibilitychange', ask);
  return () => {
    document.removeEventListener('visibilitychange', ask);
    void lock?.release();
  };
}
