// SPDX-License-Identifier: Apache-2.0
// What is known of the box: one store for all of a page, fed by one WebSocket. After each (re)connection everything is
// read anew, so nothing that happened meanwhile is missed and a reload loses nothing.
import { call, Refusal } from './api';
import { learnTime } from './clock.svelte';
import { t } from './i18n.svelte';
import { announce } from './notices.svelte';
import type { Event, LiveAnswer, Me, Preflight, Show, Status } from './types';

export type Link = 'connecting' | 'online' | 'lost';

const kFirstPauseMs = 400;
const kLongestPauseMs = 5_000;
const kSilenceMs = 4_000; // the desk says something every second
const kAgainMs = 1_000;
const kSoonMs = 250; // events come in bunches; one reading serves them all

/// Runs `work` once for many calls, and again when it was called while it ran.
function coalesced(work: () => Promise<void>): () => void {
  let timer: number | undefined;
  let isRunning = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    timer = undefined;
    isRunning = true;
    isWanted = false;
    try {
      await work();
    } finally {
      isRunning = false;
      if (isWanted) ask();
    }
  };
  const ask = (): void => {
    isWanted = true;
    if (!isRunning && timer === undefined) timer = window.setTimeout(() => void run(), kSoonMs);
  };
  return ask;
}

/// What of a status the pre-flight would judge otherwise than before.
function gistOf(status: Status): string {
  const source = (each: { id: string; state: string; warnings: string[]; level_db?: number }): unknown[] => [
    each.id,
    each.state,
    each.warnings,
    (each.level_db ?? 0) > -55,
  ];
  const { studio } = status;
  return JSON.stringify([studio?.cameras.map(source), studio?.microphones.map(source), status.shop.is_reachable]);
}

/// A reload forgets no choice; another evening does.
const kStoredShow = 'vitrine.show';
function storedShow(): number | undefined {
  const stored = sessionStorage.getItem(kStoredShow);
  return stored === null ? undefined : Number(stored);
}

export class Box {
  link = $state<Link>('connecting');
  me = $state.raw<Me | null>(); // null: nobody is logged in; undefined: not known yet
  status = $state.raw<Status>();
  live = $state.raw<LiveAnswer>();
  shows = $state.raw<Show[]>([]); // that are planned
  preflight = $state.raw<Preflight>();
  /// There was news of what is on that could not be read yet: what is known may not be so any more.
  isBehind = $state(false);
  /// One more whenever something of the shop or of the shows may be another than what was read.
  changes = $state(0);
  /// Which show the pre-flight is for; the first that is planned until somebody chooses. 0: none.
  chosen = $state<number | undefined>(storedShow());

  readonly show = $derived(this.shows.find((each) => each.id === (this.chosen ?? this.shows[0]?.id)));
  /// Whether viewers can see something. A show that is on is not enough: the studio must put it out.
  readonly air = $derived.by((): 'on' | 'off' | 'starting' | 'unsure' => {
    const { status, live } = this;
    if (this.link !== 'online' || !status || !live) return 'unsure';
    if (status.studio?.programs.some((each) => each.state === 'on air')) return 'on';
    if (!live.is_live) return 'off';
    return status.studio ? 'starting' : 'unsure';
  });
  readonly isOnSet = $derived(this.me != null && this.me.role !== 'service');

  #socket: WebSocket | undefined;
  #retry: number | undefined;
  #watchdog: number | undefined;
  #paceTimer: number | undefined;
  #againTimer: number | undefined;
  #pause = kFirstPauseMs;
  #gist = '';

  readonly #readLive = coalesced(() =>
    this.#attempt(async () => {
      clearTimeout(this.#againTimer);
      this.isBehind = true;
      try {
        this.takeLive(await call('GET', 'live'));
      } catch (error) {
        // The socket may be well, and say nothing more for long.
        if (this.link === 'online') this.#againTimer = window.setTimeout(() => this.#readLive(), kAgainMs);
        throw error;
      }
    }),
  );
  readonly #readPreflight = coalesced(() =>
    this.#attempt(async () => {
      if (this.live?.is_live || !this.isOnSet) return;
      const show = this.show;
      try {
        const found = await call<Preflight>('GET', show ? `shows/${show.id}/preflight` : 'preflight');
        if (show?.id === this.show?.id) this.preflight = found;
      } catch (error) {
        // Nothing else may happen that would have it read again.
        if (this.link === 'online' && !this.preflight) window.setTimeout(() => this.#readPreflight(), kLongestPauseMs);
        throw error;
      }
    }),
  );
  readonly #readShows = coalesced(() => this.#attempt(() => this.#takeShows()));

  start(): void {
    window.addEventListener('online', () => this.connect());
    this.connect();
  }

  /// Now, whatever pause it was in.
  connect(): void {
    clearTimeout(this.#retry);
    if (this.#socket) return;
    void this.#connect();
  }

  /// Somebody has just logged in or out.
  restart(): void {
    this.#drop();
    this.me = undefined;
    this.chosen = undefined;
    sessionStorage.removeItem(kStoredShow);
    this.preflight = undefined;
    this.link = 'connecting';
    this.connect();
  }

  choose(show: number): void {
    this.chosen = show;
    sessionStorage.setItem(kStoredShow, String(show));
    this.lookAgain();
  }

  /// What the pre-flight said is not so any more.
  lookAgain(): void {
    this.preflight = undefined;
    this.#readPreflight();
  }

  /// Something of this page changed a show; its event comes as well, later.
  reread(): void {
    this.#readLive();
    this.#readShows();
  }

  takeLive(answer: LiveAnswer): void {
    learnTime(answer.now);
    const wasLive = this.live?.is_live;
    this.live = answer;
    this.isBehind = false;
    this.#watchPace();
    if (wasLive && !answer.is_live) {
      this.#readShows();
      this.#readPreflight();
    }
  }

  async #connect(): Promise<void> {
    try {
      this.me = await call<Me>('GET', 'me');
    } catch (error) {
      if (error instanceof Refusal && error.problem.status === 401) {
        this.me = null;
        this.link = 'online';
      } else {
        this.#lose();
      }
      return;
    }
    if (this.#socket) return;
    const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/v1/events');
    this.#socket = socket;
    socket.onmessage = (message: MessageEvent<string>) => {
      if (this.#socket === socket) this.#hear(JSON.parse(message.data) as Event);
    };
    // An error is always followed by a close.
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose();
    };
    this.#expectNews();
  }

  #hear(event: Event): void {
    this.#expectNews();
    if (event.type === 'hello' || event.type === 'shop' || event.type === 'show' || event.type === 'live') ++this.changes;
    switch (event.type) {
      case 'hello':
        void this.#attempt(() => this.#readAll());
        break;
      case 'status':
        this.#takeStatus(event.status);
        break;
      case 'live':
      case 'visible':
        this.#readLive();
        break;
      case 'show':
        this.#readLive();
        this.#readShows();
        break;
      case 'shop':
        this.#readLive();
        this.#readPreflight();
        break;
      case 'help':
        if (this.status) this.status = { ...this.status, help: event.help };
        if (event.answered_by) announce(t('help.answered', { name: event.answered_by }));
        break;
    }
  }

  async #readAll(): Promise<void> {
    const [status, live] = await Promise.all([
      call<Status>('GET', 'status'),
      call<LiveAnswer>('GET', 'live'),
      this.#takeShows(),
    ]);
    this.status = status;
    this.#gist = gistOf(status);
    this.takeLive(live);
    this.#readPreflight();
    this.#pause = kFirstPauseMs;
    this.link = 'online';
  }

  #takeStatus(status: Status): void {
    this.status = status;
    const gist = gistOf(status);
    if (gist === this.#gist) return;
    this.#gist = gist;
    this.#readPreflight();
  }

  async #takeShows(): Promise<void> {
    const { shows } = await call<{ shows: Show[] }>('GET', 'shows?state=planned&limit=50');
    // The next one first; those without a time behind it, the oldest first.
    const begins = (show: Show): number => (show.plan.begins_at ? Date.parse(show.plan.begins_at) : Infinity);
    const before = JSON.stringify(this.show);
    this.shows = shows.sort((a, b) => begins(a) - begins(b) || a.id - b.id);
    if (this.chosen && !this.show) this.chosen = undefined; // it was, or is no more
    if (JSON.stringify(this.show) !== before) this.lookAgain();
  }

  /// The pace's hint is another one when a segment's time is nearly over, and when it is.
  #watchPace(): void {
    clearTimeout(this.#paceTimer);
    const left = this.live?.pace?.left_s;
    if (left === undefined || left < 0) return;
    const next = left > 30 ? left - 30 : left + 1;
    this.#paceTimer = window.setTimeout(() => this.#readLive(), next * 1000);
  }

  /// A reading that failed is no news of its own: a desk that is away is noticed by the socket, and everything is
  /// read again then.
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Refusal && error.problem.status === 401) this.restart();
      else if (this.link === 'connecting') this.#lose();
    }
  }

  #expectNews(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = window.setTimeout(() => this.#lose(), kSilenceMs);
  }

  #drop(): void {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    clearTimeout(this.#paceTimer);
    clearTimeout(this.#againTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #lose(): void {
    this.#drop();
    this.link = 'lost';
    this.#retry = window.setTimeout(() => this.connect(), this.#pause * (0.8 + 0.4 * Math.random()));
    this.#pause = Math.min(this.#pause * 2, kLongestPauseMs);
  }
}

export const box = new Box();
