// SPDX-License-Identifier: Apache-2.0
// What is wrong now, each with what to do: the desk's and the studio's states in the words of who has to mend it.
import { isKey, t, words } from '../lib/i18n.svelte';
import type { Point } from '../lib/types';
import type { Key } from '../lib/zh';
import type { Section } from './sections';
import type { FullDestination, FullSource, FullStatus } from './told';

export interface Finding {
  id: string;
  level: 'red' | 'amber';
  text: string;
  remedy: string;
  /// What the box itself says about it, for a journal or a search.
  detail: string;
  section?: Section;
}

/// `prefix.code`, or `prefix.other` for a code that is newer than this page.
export function told(prefix: string, code: string | undefined, values: Record<string, string> = {}): string {
  const key = `${prefix}.${code ?? 'other'}`;
  return t(isKey(key) ? key : (`${prefix}.other` as Key), values);
}

type SourceKind = 'camera' | 'microphone';
export function stateOfSource(each: FullSource, kind: SourceKind): string {
  if (each.state === 'live') return t('source.live');
  if (each.state === 'absent') return t('source.absent');
  if (each.state === 'starting') return t('source.starting');
  return t(kind === 'camera' ? 'source.away.camera' : 'source.away.microphone');
}
export function whySource(each: FullSource): string {
  return each.state === 'live' ? '' : told('why.source', each.state === 'absent' ? 'no_device' : each.cause_code);
}
export function fixSource(each: FullSource): string {
  return each.state === 'live' ? '' : told('fix.source', each.state === 'absent' ? 'no_device' : each.cause_code);
}

function ofSource(each: FullSource, kind: SourceKind, raw: (start: string) => string): Finding[] {
  const name = each.name;
  if (each.state === 'starting') return []; // it is on its way, for seconds
  if (each.state !== 'live')
    return [
      {
        id: `${kind}.${each.id}`,
        level: 'red',
        text: t(`find.${kind}`, { name, why: whySource(each) }),
        remedy: fixSource(each),
        detail: each.cause ?? raw(`${kind} ${each.id}`),
        section: 'cameras',
      },
    ];
  return each.warnings.map((warning) => ({
    id: `${kind}.${each.id}.${warning}`,
    level: 'amber',
    text: t('find.warning', { name, what: told('warn', warning) }),
    remedy: told('fix.warn', warning),
    detail: raw(`${kind} ${each.id} looks wrong`),
    section: 'cameras',
  }));
}

function ofDestination(each: FullDestination, raw: (start: string) => string): Finding[] {
  if (each.state !== 'reconnecting' && each.state !== 'left out') return [];
  const isLeftOut = each.state === 'left out';
  return [
    {
      id: `destination.${each.id}`,
      level: isLeftOut ? 'red' : 'amber',
      text: t(isLeftOut ? 'find.leftout' : 'find.destination', {
        name: each.name,
        why: isLeftOut ? '' : told('cause', each.cause_code ?? 'unknown'),
      }),
      remedy: isLeftOut ? t('fix.leftout') : told('fix.destination', each.cause_code),
      detail: each.cause ?? raw(`destination ${each.id}`),
      section: 'outputs',
    },
  ];
}

const kSectionOfPoint: Record<string, Section> = {
  item: 'shop',
  shop: 'shop',
  destination: 'outputs',
  uplink: 'outputs',
};

function ofPoint(point: Point): Finding {
  const kind = point.id.split('.')[0] ?? '';
  // That a show's plan names none is mended in the plan, where shows are planned.
  const section = kind !== 'licence' && kind !== 'payee' ? kSectionOfPoint[kind] : point.blocks ? 'papers' : undefined;
  return {
    id: point.id,
    level: point.level === 'red' ? 'red' : 'amber',
    text: words(point.reason),
    remedy: point.remedy ? words(point.remedy) : '',
    detail: '',
    ...(section ? { section } : {}),
  };
}

/// The worst first. `points`: of the pre-flight, as far as it is known.
export function findingsOf(status: FullStatus, points: readonly Point[]): Finding[] {
  const { studio, shop } = status;
  const found: Finding[] = [];
  // Each of the box's own sentences is told once: with what it is about, or by itself.
  const sentences = new Set([...(studio?.problems ?? []), ...status.problems]);
  const raw = (...starts: string[]): string => {
    const mine = [...sentences].filter((each) => starts.some((start) => each.startsWith(start)));
    for (const each of mine) sentences.delete(each);
    return mine.join('\n');
  };

  if (!studio)
    found.push({
      id: 'studio',
      level: 'red',
      text: t('find.studio'),
      remedy: t('fix.studio'),
      detail: raw('the studio does not answer'),
    });
  for (const program of studio?.programs ?? []) {
    if (program.state === 'failed')
      found.push({
        id: `program.${program.id}`,
        level: 'red',
        text: t('find.program', { name: program.id, why: told('cause', program.cause_code ?? 'unknown') }),
        remedy: told('fix.program', program.cause_code),
        detail: program.cause ?? raw(`${program.id}: not on air`),
        section: 'outputs',
      });
    raw(`${program.id}: not on air`);
    for (const each of program.destinations ?? []) {
      found.push(...ofDestination(each, raw));
      raw(`destination ${each.id}:`);
    }
    if (program.recording?.state === 'failing')
      found.push({
        id: `recording.${program.id}`,
        level: 'red',
        text: t('find.recording', { why: told('cause', program.recording.cause_code ?? 'unknown') }),
        remedy: told('fix.recording', program.recording.cause_code),
        detail: program.recording.cause ?? '',
        section: 'outputs',
      });
    raw(`recording of ${program.id}`);
  }
  for (const kind of ['camera', 'microphone'] as const) {
    for (const each of studio?.[`${kind}s`] ?? []) {
      const mine = ofSource(each, kind, raw);
      found.push(...mine);
      if (mine.length > 0) raw(`${kind} ${each.id}:`, `${kind} ${each.id} looks wrong`);
    }
  }
  if (!shop.is_reachable)
    found.push({
      id: 'shop',
      level: 'red',
      text: t('find.shop'),
      remedy: t('fix.shop'),
      detail: raw("the shop can't be"),
      section: 'shop',
    });

  const isKnown = (point: Point): boolean =>
    ['camera', 'microphone', 'studio', 'shop'].includes(point.id.split('.')[0] ?? '') ||
    found.some((each) => each.id === point.id);
  found.push(...points.filter((point) => point.level !== 'green' && !isKnown(point)).map(ofPoint));

  for (const each of sentences)
    found.push({ id: each, level: 'amber', text: t('find.said'), remedy: t('fix.said'), detail: each });
  return found.sort((a, b) => Number(b.level === 'red') - Number(a.level === 'red'));
}
