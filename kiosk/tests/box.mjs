// SPDX-License-Identifier: Apache-2.0
// A box as it runs in a shop: the real desk and studio, a drawn camera, nginx in the place of a platform.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';

const bin = process.env.VITRINE_BIN;
const source = process.env.VITRINE_SOURCE;

export async function waitFor(what, isSo, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await isSo();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true));
    socket.on('connect', () => socket.destroy());
    socket.on('error', () => resolve(false));
  });
}

/// A pear to sell.
export function drawPear(directory) {
  mkdirSync(directory);
  const svg = path.join(directory, 'pear.svg');
  writeFileSync(
    svg,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="#e9e2d2"/>
     <circle cx="20" cy="23" r="12" fill="#c9a94a"/><path d="M20 11q1-6 5-7" stroke="#5b4a2a" stroke-width="2" fill="none"/></svg>`,
  );
  execFileSync('rsvg-convert', ['-w', '400', '-o', path.join(directory, 'A001.png'), svg]);
}

/// What a second camera sees: plain, so that one sees whose picture it is.
function filmDoor(file) {
  const filter = 'color=c=0x4a6b5a:size=640x360:rate=15,drawbox=x=240:y=60:w=160:h=300:color=0xe9e2d2:t=fill';
  const codec = ['-t', '4', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', filter, ...codec, file]);
}

export class Box {
  #running = new Map();

  /// `commerce`: lines of that section. `cameras`: 1, or 2. `tls`: with a
  /// door to the shop's network. `destinations`: with a platform that takes the stream and one that is away.
  static async start({ commerce = 'backend = "local"', destinations = true, cameras = 1, tls = false } = {}) {
    const box = new Box();
    box.dir = mkdtempSync(path.join(tmpdir(), 'vitrine-pages-'));
    box.port = await freePort();
    box.tlsPort = tls ? await freePort() : undefined;
    const [rtmp, away] = [await freePort(), await freePort()];
    const file = (name, text) => writeFileSync(path.join(box.dir, name), text, { mode: 0o600 });
    for (const name of ['here-key', 'away-key']) file(name, 'show\n');
    file('shop-secret', 'user:password\n');
    if (cameras === 2) filmDoor(path.join(box.dir, 'door.mp4'));
    file(
      'nginx.conf',
      `load_module /usr/lib/nginx/modules/ngx_rtmp_module.so; daemon off; master_process off; pid ${box.dir}/nginx.pid;
       error_log ${box.dir}/nginx.log; events { worker_connections 64; }
       rtmp { server { listen 127.0.0.1:${rtmp}; application live { live on; } } }`,
    );
    const destination = (id, name, port) => `
[[destination]]
id = "${id}"
name = "${name}"
program = "main"
url = "rtmp://127.0.0.1:${port}/live"
key_credential = "${id}-key"
`;
    file(
      'vitrine.toml',
      `[studio]
name = "老李生鲜 人民路店"
state_dir = "${box.dir}/state"
run_dir = "${box.dir}/run"
credentials_dir = "${box.dir}"
theme_dir = "${source}/themes"
platforms_file = "${source}/encoder/platforms.toml"
[[camera]]
id = "counter"
name = "柜台"
source = "test:bars"
[[microphone]]
id = "host"
name = "主播"
source = "test:tone"
[[program]]
id = "main"
width = 640
height = 360
fps = 15
preset = "ultrafast"
video_kbps = 500
${destinations ? destination('here', '抖音', rtmp) + destination('away', '快手', away) : ''}
${cameras === 2 ? `[[camera]]\nid = "door"\nname = "门口"\nsource = "file:${box.dir}/door.mp4"` : ''}
[commerce]
${commerce}
[desk]
listen = "127.0.0.1:${box.port}"
${tls ? `listen_tls = ["0.0.0.0:${box.tlsPort}"]` : ''}
pages_dir = "${process.env.VITRINE_PAGES}"
`,
    );
    mkdirSync(path.join(box.dir, 'run'), { recursive: true });
    if (destinations) {
      box.#spawn('nginx', ['/usr/sbin/nginx', '-e', `${box.dir}/nginx.log`, '-p', box.dir, '-c', `${box.dir}/nginx.conf`]);
      await waitFor('nginx', () => isListening(rtmp));
    }
    box.startStudio();
    await box.startDesk();
    await waitFor('the studio', async () => (await box.ask('GET', 'status')).body.studio?.cameras?.[0]?.state === 'live');
    return box;
  }

  /// As others in the shop's network reach it; undefined on a machine that is in none.
  get networkUrl() {
    const address = Object.values(networkInterfaces()).flat().find((each) => !each.internal && each.family === 'IPv4')?.address;
    return address && `https://${address}:${this.tlsPort}`;
  }

  get url() {
    return `http://localhost:${this.port}`;
  }

  startStudio() {
    this.#spawn('studio', [`${bin}/vitrine-studio`, '--config', `${this.dir}/vitrine.toml`]);
  }
  async startDesk() {
    this.#spawn('desk', [`${bin}/vitrine-desk`, '--config', `${this.dir}/vitrine.toml`]);
    await waitFor('the desk', () => this.ask('GET', 'me').then((answer) => answer.status === 200, () => false));
  }

  #spawn(name, [program, ...args]) {
    const log = openSync(path.join(this.dir, `${name}.log`), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#running.set(name, child);
  }

  /// Ends one of them, at once with SIGKILL.
  async end(name, signal = 'SIGTERM') {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (!child || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill(signal);
    });
  }

  async stop() {
    for (const name of ['desk', 'studio', 'nginx']) await this.end(name);
    rmSync(this.dir, { recursive: true, force: true });
  }

  logs() {
    return ['desk', 'studio'].map((name) => readFileSync(path.join(this.dir, `${name}.log`), 'utf8')).join('\n');
  }

  /// As the technician who has the socket.
  ask(method, route, body) {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const request = http.request(
        {
          socketPath: path.join(this.dir, 'run', 'desk.sock'),
          method,
          path: `/api/v1/${route}`,
          headers: {
            Host: 'localhost',
            ...(text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
          },
        },
        (answer) => {
          let all = '';
          answer.setEncoding('utf8');
          answer.on('data', (part) => (all += part));
          answer.on('end', () => resolve({ status: answer.statusCode, body: all === '' ? {} : JSON.parse(all) }));
        },
      );
      request.on('error', reject);
      request.end(text);
    });
  }

  async must(method, route, body) {
    const answer = await this.ask(method, route, body);
    if (answer.status >= 300) throw new Error(`${method} ${route}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async addAccount(id, name, role, pin) {
    await this.must('POST', 'accounts', { account: id, name, role, pin });
  }

  /// To those that are there.
  async importMore(rows) {
    const { total } = await this.must('GET', 'items?limit=1');
    await this.#import(rows, [], total + rows.length);
  }

  async importItems(rows, photos) {
    await this.#import(rows, photos ? ['--photos', photos] : [], rows.length);
  }

  async #import(rows, more, total) {
    const table = path.join(this.dir, 'items.csv');
    writeFileSync(table, `编号,商品名称,售价,库存\n${rows.join('\n')}\n`);
    const args = ['--config', `${this.dir}/vitrine.toml`, 'import', table];
    execFileSync(`${bin}/vitrinectl`, [...args, ...more]);
    await waitFor('the items', async () => (await this.must('GET', 'items?limit=1')).total === total);
  }
}
