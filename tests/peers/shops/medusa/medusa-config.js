// SPDX-License-Identifier: Apache-2.0
'use strict';
// One process, everything but the data in memory, no dashboard. From the environment: DATABASE_URL, SHOP_PORT.
const { defineConfig, Modules } = require('@medusajs/framework/utils');

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { ssl: false, connection: { ssl: false } },
    workerMode: 'shared',
    http: { storeCors: '', adminCors: '', authCors: '', jwtSecret: 'shop-jwt-secret', cookieSecret: 'shop-cookie-secret', jwtExpiresIn: '1d' },
  },
  admin: { disable: true },
  modules: [{
    resolve: '@medusajs/medusa/file', key: Modules.FILE,
    options: { providers: [{ resolve: '@medusajs/medusa/file-local', id: 'local',
      options: { upload_dir: 'static', backend_url: `http://127.0.0.1:${process.env.SHOP_PORT}/static` } }] },
  }],
});
