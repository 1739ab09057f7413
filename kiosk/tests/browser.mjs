// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const kSizes = {
  landscape: { width: 1920, height: 1080 },
  portrait: { width: 1080, height: 1920 },
  phone: { width: 390, height: 844 },
};

/// What is read with the hands on it: a tablet, a desk, a phone.
export const kNearSizes = {
  tablet: { width: 1280, height: 800 },
  desk: { width: 1920, height: 1080 },
  phone: kSizes.phone,
};
export const kPin = '271828';

export const button = (page, name) => page.getByRole('button', { name });
export const text = (page, words) => page.getByText(words, { exact: false }).first();

export async function enterPin(page, pin = kPin) {
  for (const digit of pin) await button(page, digit).click();
  await button(page, '登录').click();
}

/// On the box's own screen, where the names stand to be touched.
export async function logIn(page, name) {
  await button(page, name).click();
  await enterPin(page);
}

export class Browser {
  static async open() {
    const browser = new Browser();
    browser.chromium = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    return browser;
  }

  /// A page that remembers nothing, and whose every complaint is kept.
  async page(url) {
    const context = await this.chromium.newContext({
      viewport: kSizes.landscape,
      locale: 'zh-CN',
      timezoneId: 'Asia/Shanghai',
      reducedMotion: 'reduce',
      ignoreHTTPSErrors: true, // the box's own certificate: its users have compared its fingerprint
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.complaints = [];
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|TrustedHTML|Trusted Type/i.test(message.text())) page.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  async close() {
    await this.chromium.close();
  }
}

/// Looks at a state of the page at every size: it is photographed, accessible, and nothing is cut off.
export async function look(page, name, sizes = kSizes) {
  try {
    await lookAtEach(page, name, sizes);
  } finally {
    await page.setViewportSize(Object.values(sizes)[0]); // what comes next is not wrong for this one's fault
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const told = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' ')}`);
  assert.deepEqual(told, [], `${name}: axe`);
  assert.deepEqual(page.complaints, [], `${name}: the browser complains`);
}

async function lookAtEach(page, name, sizes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    await page.waitForTimeout(150);
    await page.screenshot({ path: path.join(process.env.VITRINE_SHOTS, `${name}-${size}.png`), animations: 'disabled' });
    await compare(page, `${name}-${size}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, `${name} at ${size}: wider than the screen`);
    if (sizes === kSizes && size !== 'phone') assert.deepEqual(await cutOff(page), [], `${name} at ${size}: cut off`);
    assert.deepEqual(await tooSmall(page, sizes === kSizes, size), [], `${name} at ${size}: too small to touch`);
  }
}

/// Holds the page against the picture of it that somebody looked at, without what is another one each time
/// (`data-live`). VITRINE_GOLDENS=write takes new pictures, to be looked at before they are kept.
async function compare(page, name) {
  const golden = path.join(process.env.VITRINE_SOURCE, 'kiosk/tests/goldens', `${name}.webp`);
  const judge = await judgeOf(page.context().browser());
  if (process.env.VITRINE_GOLDENS === 'write') {
    mkdirSync(path.dirname(golden), { recursive: true });
    writeFileSync(golden, Buffer.from(await judge.evaluate((png) => window.reduce(png), await still(page)), 'base64'));
    return;
  }
  assert.ok(existsSync(golden), `${name}: nobody has looked at it yet (VITRINE_GOLDENS=write)`);
  const then = readFileSync(golden).toString('base64');
  let share = 1;
  // What is on its way may take a moment on a busy machine.
  for (let tries = 0; tries < 8 && share >= kMostDifferent; ++tries) {
    if (tries > 0) await page.waitForTimeout(250);
    share = await judge.evaluate(([png, webp]) => window.differ(png, webp), [await still(page), then]);
  }
  assert.ok(share < kMostDifferent, `${name}: ${(share * 100).toFixed(1)} % of it looks otherwise than ${golden}`);
}

/// A picture without what is live.
async function still(page) {
  const show = (visibility) =>
    page.evaluate((value) => {
      for (const each of document.querySelectorAll('[data-live]')) each.style.visibility = value;
    }, visibility);
  await show('hidden');
  const picture = (await page.screenshot({ animations: 'disabled' })).toString('base64');
  await show('');
  return picture;
}

const kMostDifferent = 0.04;

/// A page of its own that has eyes: Chromium decodes both pictures.
let judgePage;
async function judgeOf(chromium) {
  if (judgePage) return judgePage;
  judgePage = await (await chromium.newContext()).newPage();
  await judgePage.evaluate(() => {
    const widthOf = (picture) => Math.min(480, Math.round(picture.width / 2)); // what moved is still seen
    const kBlock = 8;
    const kDifferent = 24; // of 255, in the mean of a block: above what WebP and another Chromium's edges make of it
    const decode = async (type, base64) => createImageBitmap(await (await fetch(`data:${type};base64,${base64}`)).blob());
    const draw = (picture, width, height) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.imageSmoothingQuality = 'high';
      context.drawImage(picture, 0, 0, width, height);
      return { canvas, pixels: context.getImageData(0, 0, width, height).data };
    };
    const heightOf = (picture) => Math.round((picture.height * widthOf(picture)) / picture.width);
    window.reduce = async (png) => {
      const picture = await decode('image/png', png);
      const { canvas } = draw(picture, widthOf(picture), heightOf(picture));
      const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(''));
    };
    window.differ = async (png, webp) => {
      const [now, then] = [await decode('image/png', png), await decode('image/webp', webp)];
      if (then.height !== heightOf(now)) return 1;
      const { width, height } = then;
      const [a, b] = [draw(now, width, height).pixels, draw(then, width, height).pixels];
      let different = 0;
      let blocks = 0;
      for (let top = 0; top + kBlock <= height; top += kBlock) {
        for (let left = 0; left + kBlock <= width; left += kBlock) {
          let sum = 0;
          for (let y = top; y < top + kBlock; ++y) {
            for (let x = left; x < left + kBlock; ++x) {
              const at = (y * width + x) * 4;
              sum += Math.abs(a[at] - b[at]) + Math.abs(a[at + 1] - b[at + 1]) + Math.abs(a[at + 2] - b[at + 2]);
            }
          }
          ++blocks;
          if (sum / (3 * kBlock * kBlock) > kDifferent) ++different;
        }
      }
      return different / blocks;
    };
  });
  return judgePage;
}

/// On a kiosk nobody scrolls: buttons that are not whole on the screen.
function cutOff(page) {
  return page.evaluate(() => {
    const scope = document.querySelector('dialog[open]') ?? document;
    return [...scope.querySelectorAll('button')]
      .filter((button) => {
        const { top, bottom, left, right } = button.getBoundingClientRect();
        return top < 0 || left < 0 || bottom > innerHeight + 1 || right > innerWidth + 1;
      })
      .map((button) => button.textContent);
  });
}

/// 15 mm are 60 px on a screen of 22 inches, 83 px on one of 15; a finger without a glove has 9 mm.
function tooSmall(page, isKiosk, size) {
  const least = !isKiosk ? 40 : size === 'phone' ? 56 : 83;
  return page.evaluate(
    (limit) =>
      [...document.querySelectorAll('button, input:not([type=checkbox], [type=radio])')]
        .filter((each) => {
          const { width, height } = each.getBoundingClientRect();
          return width > 0 && (height < limit || width < limit);
        })
        .map((each) => each.textContent || each.outerHTML),
    least,
  );
}

/// How much of a core the page's main thread takes while nobody touches it, in percent. CPU time: other work on the
/// machine does not count.
export async function idleLoad(page, seconds) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taskTime = async () =>
    (await session.send('Performance.getMetrics')).metrics.find((each) => each.name === 'TaskDuration').value;
  const before = await taskTime();
  await page.waitForTimeout(seconds * 1000);
  const load = ((await taskTime()) - before) / seconds;
  await session.detach();
  return load * 100;
}
