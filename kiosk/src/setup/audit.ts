// SPDX-License-Identifier: Apache-2.0
import { isKey, t } from '../lib/i18n.svelte';
import type { AuditEntry } from './told';

/// What somebody did, in words; as the call it was where this page has none for it.
export function deedOf(entry: AuditEntry): string {
  const route = entry.route.replace('/api/v1/', '').replace(/\{\w+\}/g, '*');
  const key = `did.${entry.method} ${route}`;
  return isKey(key) ? t(key) : `${entry.method} ${entry.route}`;
}

/// What it was done to.
export function objectOf(entry: AuditEntry): string {
  return Object.values(entry.path ?? {}).join(' / ');
}

export function wasDone(entry: AuditEntry): boolean {
  return entry.status < 400;
}

export function outcomeOf(entry: AuditEntry): string {
  if (wasDone(entry)) return t('audit.done');
  if (entry.status === 401) return t('audit.denied');
  if (entry.status === 403) return t('audit.forbidden');
  if (entry.status === 429) return t('audit.toooften');
  if (entry.status === 404) return t('audit.nothing');
  if (entry.status === 409) return t('audit.conflict');
  return t(entry.status < 500 ? 'audit.refused' : 'audit.failed');
}

export function matches(entry: AuditEntry, wish: string, name: string): boolean {
  const all = [name, entry.account, entry.source, deedOf(entry), objectOf(entry), entry.route].join(' ').toLowerCase();
  return wish
    .toLowerCase()
    .split(/\s+/)
    .every((part) => all.includes(part));
}
