// SPDX-License-Identifier: Apache-2.0
// What the desk tells a technician beyond lib/types.ts: docs/api.md, docs/control-socket.md.
import type { Destination, Program, Role, Source, Status, Studio } from '../lib/types';

export interface FullSource extends Source {
  source?: string;
  restarts?: number;
  size?: [number, number];
  fps?: number;
  format?: string;
}
export interface FullDestination extends Destination {
  platform?: string;
  server?: string;
  since?: string;
  lag_ms?: number;
  packets_skipped?: number;
  connects?: number;
}
export interface FullProgram extends Program {
  destinations?: FullDestination[];
  encoder?: { kbps: number; dropped: number; encode_ms: number };
  frames?: { fps: number; late: number; skipped: number; compose_ms: number };
  elapsed_s?: number;
}
export interface FullStudio extends Studio {
  uptime_s: number;
  version: string;
  programs: FullProgram[];
  cameras: FullSource[];
  microphones: FullSource[];
  render?: { state: string; restarts: number };
  problems: string[];
}
export interface ConfiguredDestination {
  id: string;
  name: string;
  program: string;
  platform: string;
  url: string;
  has_key: boolean;
  key_changed_at: string | null;
  no_key_because?: string;
}
export interface ShopState {
  is_open: boolean;
  is_reachable: boolean;
  catalogue_at?: string;
  orders_at?: string;
}
export interface FullStatus extends Status {
  version: string;
  studio: FullStudio | null;
  shop: ShopState;
}

/// The same, as it comes: pages for others name less of it.
export function whole(status: Status): FullStatus {
  return status as FullStatus;
}

export interface Session {
  id: string;
  account: string;
  source: string;
  created_at: string;
  used_at: string;
  is_this: boolean;
}
export interface Token {
  id: string;
  name: string;
  role: Role;
  scope: 'read' | 'all';
  created_by: string;
  created_at: string;
  expires_at: string;
}
export interface MadeToken {
  id: string;
  token: string;
  expires_at: string;
}
interface Certificate {
  sha256: string;
  valid_until: string;
}
export interface Device {
  certificate: Certificate | null;
  authority: (Certificate & { pem: string }) | null;
}

export interface Refused {
  where: string;
  found: string;
  allowed: string;
}
export interface Sync extends ShopState {
  backend: string;
  url: string;
  clock_offset_ms?: number;
  outbox: { open: number; unknown: number; done: number; rejected: number };
  repairs: unknown[];
  problems: string[];
}
export interface RefusedRow {
  item: string;
  since: string;
  problems: Refused[];
}
export interface Imported {
  encoding: string;
  columns: string[];
  ignored_columns: string[];
  added: number;
  changed: number;
  unchanged: number;
  missing: number;
  refused_rows: number;
  refused: { row: number; item: string; problems: Refused[] }[];
  remarks: Refused[];
  photos: string[];
}

export const kDocumentKinds = [
  'business_licence',
  'food_licence',
  'inspection',
  'certificate',
  'authorisation',
  'price_proof',
  'other',
] as const;
export interface Paper {
  kind: (typeof kDocumentKinds)[number];
  holder: string;
  number?: string;
  valid_from?: string;
  valid_until?: string;
  picture?: string;
  withdrawn?: boolean;
}
export const kAccountKinds = ['bank', 'alipay', 'wechat', 'other'] as const;
export interface Payee {
  name: string;
  account: (typeof kAccountKinds)[number];
  masked_number: string;
  licence_holder: string;
  withdrawn?: boolean;
}
export interface Version {
  version: number;
  changed_by: string;
  changed_at: string;
}
export interface DocumentEntry extends Version {
  id: string;
  state: 'valid' | 'not_yet_valid' | 'expired' | 'withdrawn';
  document: Paper;
}
export interface PayeeEntry extends Version {
  id: string;
  payee: Payee;
}
export interface Papers {
  today: string;
  documents: DocumentEntry[];
  payees: PayeeEntry[];
}

export interface AuditEntry {
  id: number;
  at: string;
  account: string;
  role: string;
  source: string;
  method: string;
  route: string;
  path: Record<string, string>;
  status: number;
}
export interface Log {
  available: boolean;
  why?: string;
  lines?: { at: string; unit: string; priority: number; text: string }[];
}
export interface EvidenceKey {
  device: string;
  rows: number;
  sealed_at: string | null;
  sealed_until: number;
  recordings_to_hash: number;
}
export interface OnAirSession {
  program: string;
  session: string;
  started_at: string;
  ended_at: string | null;
  lost: boolean;
}
export interface Verdict {
  ok: boolean;
  rows: number;
  seals: number;
  sealed_until: number;
  wrong?: { sequence: number; what: string };
}
export interface Exported {
  directory: string;
  rows: [number, number];
  seals: number;
  recordings: number;
}
