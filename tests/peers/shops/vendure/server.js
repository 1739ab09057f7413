// SPDX-License-Identifier: Apache-2.0
'use strict';
// Server and job worker in one process.
const { bootstrap, JobQueueService } = require('@vendure/core');
const { config } = require('./config');

bootstrap(config).then(async app => {
  await app.get(JobQueueService).start();
  process.on('SIGTERM', async () => { await app.close(); process.exit(0); });
}).catch(error => { console.error(error); process.exit(1); });
