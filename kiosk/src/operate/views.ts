// SPDX-License-Identifier: Apache-2.0
// Which cameras and microphones a program shows, and how two cameras share a picture.
import { call } from '../lib/api';
import type { Program } from '../lib/types';

export interface Picture {
  camera: string;
  area?: [number, number, number, number]; // canvas pixels: left, top, width, height
}
export interface Sound {
  microphone: string;
  gain_db?: number;
}
export interface View {
  pictures: Picture[];
  fallback_cameras?: string[];
  sounds: Sound[];
  fade_ms?: number;
}
export const kLayouts = ['single', 'inset', 'split'] as const;
export type Layout = (typeof kLayouts)[number];

const even = (value: number): number => 2 * Math.round(value / 2);

/// `second` is left out where the layout has room for one.
export function picturesIn(layout: Layout, [width, height]: [number, number], main: string, second?: string): Picture[] {
  if (second === undefined || layout === 'single') return [{ camera: main }];
  const isTall = height > width;
  if (layout === 'split') {
    const [w, h] = isTall ? [width, even(height / 2)] : [even(width / 2), height];
    return [
      { camera: main, area: [0, 0, w, h] },
      { camera: second, area: isTall ? [0, h, w, height - h] : [w, 0, width - w, h] },
    ];
  }
  // Right above, below the shop's name where it is narrow: cards stand below.
  const w = even(width * (isTall ? 0.4 : 0.26));
  const h = even((w * 9) / 16);
  const margin = even(Math.min(width, height) * 0.05);
  return [{ camera: main }, { camera: second, area: [width - w - margin, isTall ? 3 * margin : margin, w, h] }];
}

export function layoutOf(view: View, [width, height]: [number, number]): Layout {
  const area = view.pictures[1]?.area;
  if (!area) return 'single';
  return area[2] * 2 >= width - 2 || area[3] * 2 >= height - 2 ? 'split' : 'inset';
}

/// What is chosen, or what the box shows where nobody chose.
export async function viewOf(program: Program): Promise<View> {
  return (await call<{ shown: View }>('GET', `programs/${program.id}/view`)).shown;
}

export async function putView(program: Program, view: View): Promise<void> {
  await call('PUT', `programs/${program.id}/view`, view);
}
