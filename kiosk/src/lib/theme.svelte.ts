// SPDX-License-Identifier: Apache-2.0
export type Theme = 'dark' | 'light';

const kStored = 'vitrine.theme';

// A page names its own in its HTML; who chose another one keeps it.
const chosen = localStorage.getItem(kStored);
let theme = $state<Theme>((chosen ?? document.documentElement.dataset['theme']) === 'light' ? 'light' : 'dark');

function tell(): void {
  document.documentElement.dataset['theme'] = theme;
}
tell();

export function currentTheme(): Theme {
  return theme;
}

export function switchTheme(): void {
  theme = theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem(kStored, theme);
  tell();
}
