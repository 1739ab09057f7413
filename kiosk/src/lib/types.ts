// SPDX-License-Identifier: Apache-2.0
// What the desk tells: docs/api.md and docs/control-socket.md. Only what pages read is named.

export type Role = 'assistant' | 'host' | 'operator' | 'service' | 'technician';
export interface Account {
  id: string;
  name: string;
  role: Role;
}
export interface Me {
  account: string;
  name: string;
  role: Role;
}
export interface Pairing {
  code: string | null;
  role?: Role;
  seconds_left?: number;
}

export interface Money {
  minor: number;
  currency: string;
  text: string;
}

interface Cause {
  cause?: string;
  cause_code?: string;
}
export interface Destination extends Cause {
  id: string;
  name: string;
  state: 'connecting' | 'live' | 'reconnecting' | 'stopped' | 'left out' | 'off';
  kbps?: number;
}
export interface Recording extends Cause {
  state: 'waiting' | 'recording' | 'failing' | 'stopped';
  hours_left: number;
}
export interface Program extends Cause {
  id: string;
  size: [number, number];
  fps: string;
  on_air: boolean;
  state: 'off air' | 'on air' | 'stopping' | 'failed';
  picture?: { camera?: string; slate: boolean };
  sound: { peak_db: number };
  destinations?: Destination[];
  recording?: Recording;
}
export interface Source extends Cause {
  id: string;
  name: string;
  state: 'stopped' | 'starting' | 'live' | 'no_signal' | 'waiting' | 'absent';
  warnings: string[];
  level_db?: number;
}
export interface Studio {
  studio: string;
  programs: Program[];
  cameras: Source[];
  microphones: Source[];
}
export interface Status {
  name: string;
  studio: Studio | null;
  shop: { is_open: boolean; is_reachable: boolean };
  help: Help | null;
  problems: string[];
}
export interface Help {
  account: string;
  by: string;
  at: string;
}

export interface Offer {
  id: number;
  state: 'requested' | 'placed' | 'confirmed' | 'ending' | 'ended' | 'refused';
  end: string;
  quantity?: number;
  why?: string;
  prices: { product: string; variant: string; price: Money; before?: Money }[];
}
export interface Item extends ItemRef {
  sku: string;
  title: string;
  option: string;
  availability: 'unknown' | 'listed' | 'delisted' | 'in_review' | 'banned' | 'deleted';
  price: Money;
  reference_price?: Money;
  stock?: number;
  photo?: { blob?: string };
}
export type Kind = 'waiting' | 'opening' | 'item' | 'break' | 'recap' | 'next_show';
export interface ToldSegment {
  segment: number;
  kind: Kind;
  title: string;
  number?: number;
  option?: string;
  item?: ItemRef;
  availability?: 'unknown' | 'listed' | 'delisted' | 'in_review' | 'banned' | 'deleted';
  price?: Money;
  stock?: number;
  photo?: string;
  offer?: Offer;
}
export interface Pace {
  on_for_s: number;
  left_s?: number;
  show_left_s?: number;
  items_in_a_row: number;
  hint: 'none' | 'item_soon_over' | 'item_too_long' | 'pause_now' | 'pause_too_short' | 'behind_plan';
}
/// As the plan has it; `id` is missing in one that is new.
export interface Segment {
  id?: number;
  kind: Kind;
  title?: string;
  item?: ItemRef;
  planned_s?: number | undefined;
}
export interface Show {
  id: number;
  version: number;
  state: 'template' | 'planned' | 'live' | 'over';
  started_at?: string;
  slate?: string;
  plan: {
    title: string;
    host: string;
    begins_at?: string | undefined;
    ends_at?: string | undefined;
    licence?: string; // a document, and who is paid: ids
    payee?: string;
    is_ai?: boolean;
    rundown: Segment[];
  };
}
export interface LiveAnswer {
  is_live: boolean;
  now: string;
  remarks: string[];
  fault?: string;
  show?: Show;
  on?: { step: number; segment: number; kind: Kind; host: string; item?: { product: string; variant: string } };
  pace?: Pace;
  next?: number;
  previous?: number;
  segments?: ToldSegment[];
  cues?: Cue[];
  is_shown?: boolean;
  not_shown_because?: string;
}

export type Level = 'green' | 'amber' | 'red';
export interface Words {
  zh: string;
  en: string;
}
export interface Point {
  id: string;
  level: Level;
  reason: Words;
  remedy?: Words;
  blocks: boolean;
}
export interface Preflight {
  level: Level;
  blocks: boolean;
  points: Point[];
}

export type Event =
  | { type: 'hello' | 'live' | 'shop' | 'visible' }
  | { type: 'show'; show?: number; state?: string }
  | { type: 'status'; status: Status }
  | { type: 'help'; help: Help | null; answered_by?: string };

/// One item of the shop; `variant` is empty where it has none.
export interface ItemRef {
  product: string;
  variant: string;
}
/// What a colleague tells the host.
export interface Cue {
  id: number;
  text: string;
  by: string;
  at: string;
}
/// What the shop's staff adds to an item, and when.
export interface ItemNote {
  talking_points?: string[];
  deposit?: { pay: Amount; worth: Amount; balance_until: string };
  certificates?: string[];
  reference?: { basis: string; evidence: string };
  producer?: { name: string; address?: string; licence_number?: string };
}
export interface NoteVersion {
  version: number;
  changed_by: string;
  changed_at: string;
  note: ItemNote;
}
/// Money as notes and the evidence have it: nobody wrote it out.
export interface Amount {
  minor: number;
  currency: string;
  text?: string;
}

// Customer service: what was on screen when (docs/evidence.md), and what was ordered.

export type Form = 'normal' | 'ended' | 'neutral';
export interface Shown {
  program: string;
  session: string;
  layer: string;
  form: Form;
  price: Amount | null;
  offer: { id: number; begin: string; end: string } | null;
  from: string;
  until: string | null;
}
export interface Session {
  program: string;
  session: string;
  started_at: string;
  ended_at: string | null;
}
export interface Layer {
  id: string;
  form: Form;
  template: string;
  data: Record<string, unknown>;
}
export interface Moment {
  on_air: boolean;
  time: string;
  recording: { exists: boolean; offset_ms: number } | null;
  session?: Session | null;
  row?: { body: { at: string; camera?: string; basis?: { host?: string; show?: number } | null; layers: Layer[] } } | null;
}
export type OrderState = 'unknown' | 'open' | 'deposit_paid' | 'paid' | 'shipped' | 'cancelled' | 'refunded';
export interface Order {
  id: string;
  number: string;
  state: OrderState;
  total: Money;
  balance: Money;
  name: string;
  placed_at: string;
  lines: { sku: string; quantity: number; unit_price: Money }[];
}
