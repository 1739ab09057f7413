// SPDX-License-Identifier: Apache-2.0
import { t } from '../lib/i18n.svelte';

/// Where a camera or microphone is plugged in, in words; `source` as vitrine.toml has it. The value of a kind that this
/// page does not know is told as it is.
export function placeOf(source: string): string {
  const at = source.indexOf(':');
  const kind = source.slice(0, at);
  const value = source.slice(at + 1);
  switch (kind) {
    case 'v4l2':
      if (value === 'auto') return t('place.usb.auto');
      if (value.startsWith('serial=')) return t('place.usb.serial', { value: value.slice(7) });
      if (value.startsWith('port=')) return t('place.usb.port', { value: value.slice(5) });
      return t('place.usb.node', { value });
    case 'rtsp':
    case 'rtsps':
      return t('place.network', { value: source });
    case 'alsa':
      return value === 'default' ? t('place.sound.default') : t('place.sound', { value });
    case 'camera':
      return t('place.camera', { value });
    case 'file':
      return t('place.file', { value });
    case 'test':
      return t('place.test');
    default:
      return source;
  }
}
