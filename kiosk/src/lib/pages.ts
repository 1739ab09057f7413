// SPDX-License-Identifier: Apache-2.0
import type { Role } from './types';

export type Page = 'kiosk' | 'operate' | 'host' | 'service' | 'setup';

/// Which pages somebody has use of; his own first.
export const kPagesOf: Record<Role, Page[]> = {
  assistant: ['kiosk', 'host'],
  host: ['host', 'kiosk'],
  operator: ['operate', 'kiosk', 'host', 'service'],
  service: ['service'],
  technician: ['setup', 'operate', 'kiosk', 'host', 'service'],
};
