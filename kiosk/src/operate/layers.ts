// SPDX-License-Identifier: Apache-2.0
// Layers that an operator puts up, and what each asks for. How they look, and how long a text may be, is the theme's.
import type { Key } from '../lib/zh';

export interface LayerField {
  name: string;
  label: Key;
  most: number;
  needed: boolean;
}
export interface LayerKind {
  template: 'ticker' | 'question' | 'lottery' | 'qr';
  fields: LayerField[];
  /// Its end is a part of what it says.
  hasEnd: boolean;
}

export const kLayerKinds: LayerKind[] = [
  { template: 'ticker', fields: [], hasEnd: false },
  {
    template: 'question',
    fields: [{ name: 'question', label: 'operate.layer.question.text', most: 42, needed: true }],
    hasEnd: false,
  },
  {
    template: 'lottery',
    fields: [
      { name: 'title', label: 'operate.layer.lottery.title', most: 16, needed: true },
      { name: 'prize', label: 'operate.layer.lottery.prize', most: 24, needed: true },
      { name: 'how', label: 'operate.layer.lottery.how', most: 18, needed: false },
    ],
    hasEnd: true,
  },
  {
    template: 'qr',
    fields: [
      { name: 'link', label: 'operate.layer.qr.link', most: 300, needed: true },
      { name: 'caption', label: 'operate.layer.qr.caption', most: 14, needed: true },
    ],
    hasEnd: false,
  },
];
