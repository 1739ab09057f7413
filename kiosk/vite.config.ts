// SPDX-License-Identifier: Apache-2.0
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'chrome110',
    // The pages' policy lets no data: address and no inline script in, so everything is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['kiosk.html', 'operate.html', 'host.html', 'service.html', 'setup.html'] },
  },
  // For whoever works on the pages: npx vite, beside a desk at its usual address.
  server: { proxy: { '/api': { target: 'http://localhost:8080', ws: true } } },
});
