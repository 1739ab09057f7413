// SPDX-License-Identifier: Apache-2.0
import { t } from '../lib/i18n.svelte';
import type { Role } from '../lib/types';

const kRoles: readonly Role[] = ['assistant', 'host', 'operator', 'service', 'technician'];

export function roleOptions(): { value: Role; text: string }[] {
  return kRoles.map((value) => ({ value, text: t(`role.${value}`) }));
}
