// SPDX-License-Identifier: Apache-2.0
// Layers that an operator puts up, and what each asks for. How they look, and how long a text may be, is the theme's.
import type { Key } from '../lib/zh';
import type { Paper } from './papers';

export interface LayerField {
  name: string;
  label: Key;
  most: number;
  needed: boolean;
}
export interface LayerKind {
  template: 'ticker' | 'question' | 'lottery' | 'qr' | 'certificate' | 'licence';
  fields: LayerField[];
  /// Its end is a part of what it says.
  hasEnd?: boolean;
  /// The shop's papers fill it in: nobody writes down a number from memory.
  papers?: 'business_licence' | 'certificates';
}

export const kLayerKinds: LayerKind[] = [
  { template: 'ticker', fields: [] },
  {
    template: 'question',
    fields: [{ name: 'question', label: 'operate.layer.question.text', most: 42, needed: true }],
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
  },
  {
    template: 'certificate',
    fields: [
      { name: 'title', label: 'operate.layer.certificate.title', most: 8, needed: true },
      { name: 'line1', label: 'operate.layer.certificate.line1', most: 24, needed: true },
      { name: 'line2', label: 'operate.layer.certificate.line2', most: 24, needed: false },
      { name: 'line3', label: 'operate.layer.certificate.line3', most: 24, needed: false },
    ],
    papers: 'certificates',
  },
  {
    template: 'licence',
    fields: [
      { name: 'seller', label: 'document.holder', most: 40, needed: true },
      { name: 'credit_code', label: 'document.number', most: 18, needed: true },
    ],
    papers: 'business_licence',
  },
];

/// What the fields hold, as the template wants it.
export function dataOf(kind: LayerKind, values: Record<string, string>): Record<string, unknown> {
  const filled = Object.entries(values).filter(([, text]) => text.trim() !== '');
  if (kind.template !== 'certificate') return Object.fromEntries(filled);
  const lines = filled.flatMap(([name, text]) => (name.startsWith('line') ? [text] : []));
  return { title: values['title'], lines };
}

export const isFor = (kind: LayerKind, paper: Paper): boolean =>
  (paper.document.kind === 'business_licence') === (kind.papers === 'business_licence') && paper.document.kind !== 'price_proof';

export function valuesOf(kind: LayerKind, paper: Paper, title: string, until: string): Record<string, string> {
  const { holder, number } = paper.document;
  return kind.template === 'licence'
    ? { seller: holder, credit_code: number ?? '' }
    : { title, line1: holder, line2: number ?? '', line3: until };
}
