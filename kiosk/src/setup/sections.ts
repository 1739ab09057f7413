// SPDX-License-Identifier: Apache-2.0
export const kSections = [
  'overview',
  'cameras',
  'outputs',
  'shop',
  'papers',
  'users',
  'access',
  'evidence',
  'audit',
  'logs',
  'config',
] as const;
export type Section = (typeof kSections)[number];

/// What stands behind # in the address; anything else is the first.
export function sectionOf(hash: string): Section {
  return kSections.find((each) => `#${each}` === hash) ?? 'overview';
}
