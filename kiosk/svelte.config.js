// SPDX-License-Identifier: Apache-2.0
// For svelte-check; Vite has its own.
export default {};
