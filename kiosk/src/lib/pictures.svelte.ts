// SPDX-License-Identifier: Apache-2.0
// Whether somebody wants to see moving pictures here: they are most of what a page costs a weak machine and its network.

const kStored = 'vitrine.preview';
let isWanted = $state(localStorage.getItem(kStored) !== 'off');

export function picturesWanted(): boolean {
  return isWanted;
}

export function togglePictures(): void {
  isWanted = !isWanted;
  localStorage.setItem(kStored, isWanted ? 'on' : 'off');
}
