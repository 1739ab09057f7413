// SPDX-License-Identifier: Apache-2.0
// /service, as customer service meets it: during a show, and after it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Box, drawPear, waitFor } from './box.mjs';
import { Browser, button, idleLoad, kNearSizes, kPin, logIn, look, text } from './browser.mjs';
import { placeOrders } from './till.mjs';

const kDay = 86_400_000;
const kOnTablet = { tablet: kNearSizes.tablet };
const kOnDesk = { desk: kNearSizes.desk };
const iso = (instant) => new Date(instant).toISOString();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function shownOf(box, product) {
  const window = `from=${iso(Date.now() - kDay)}&until=${iso(Date.now() + kDay)}`;
  return (await box.must('GET', `evidence/item?product=${product}&variant=&${window}`)).shown;
}

/// Two items, one with an offer that begins and ends on air.
async function playShow(box) {
  const licence = { kind: 'business_licence', holder: '延边老李生鲜有限公司', number: '91222401MA0000000X' };
  await box.must('PUT', 'documents/licence-1', { document: licence, version: 0 });
  const points = ['皮薄汁多，当天采摘，早上装箱下午发货', '坏果包赔：收到 24 小时内拍照找客服'];
  await box.must('PUT', 'items/A001/note', { note: { talking_points: points }, version: 0 });
  const money = (minor) => ({ minor, currency: 'CNY' });
  const deposit = { pay: money(1000), worth: money(1500), balance_until: iso(Date.now() + 5 * kDay) };
  await box.must('PUT', 'items/A002/note', { note: { talking_points: ['古法熬制，不加防腐剂'], deposit }, version: 0 });
  const { id } = await box.must('POST', 'shows', {
    plan: {
      title: '周日晚场',
      host: '小李',
      licence: 'licence-1',
      rundown: [{ kind: 'opening' }, { kind: 'item', item: { product: 'A001' } }, { kind: 'item', item: { product: 'A002' } }],
    },
  });
  await box.must('POST', 'live/start', { show: id, override: '样品检测' });
  const on = async (product, isSo) => waitFor(`${product} on screen`, async () => (await shownOf(box, product)).some(isSo));
  await box.must('PUT', 'live/layers/report', {
    template: 'certificate',
    data: { title: '检测报告', lines: ['农药残留 未检出', '编号 JC-2026-118'] },
  });
  await pause(4000);
  await box.must('POST', 'live/go', { to: 'next' });
  await on('A001', (each) => each.price?.minor === 3990);
  await pause(1500);
  await box.must('POST', 'offers', { name: '秒杀', seconds: 4, quantity: 20, prices: [{ product: 'A001', amount: '29.90' }] });
  await on('A001', (each) => each.price?.minor === 2990 && each.offer?.state === 'confirmed');
  await pause(5000);
}

let browser;
let box;
let page;
const search = () => page.getByRole('searchbox');
const row = (name) => page.locator('.row').filter({ hasText: name });

before(async () => {
  browser = await Browser.open();
  box = await Box.start({ destinations: false });
  await box.addAccount('ajie', '阿杰', 'service', kPin);
  await box.addAccount('xiaomei', '小美', 'assistant', kPin);
  const photos = path.join(box.dir, 'photos');
  drawPear(photos);
  await box.importItems(
    [
      'A001,延边苹果梨 5 斤装,39.90,126',
      'A002,老坛山楂罐头 425 g × 6 罐,45.80,30',
      'A003,长白山黑木耳 特级 250 g 礼盒装 送人自用都体面,128.00,12',
    ],
    photos,
  );
});
after(async () => {
  await browser?.close();
  await box?.stop();
});

describe('during a show', () => {
  test('it is small, and says what to do while there is nothing to show', async () => {
    page = await browser.page(`${box.url}/service`);
    await page.setViewportSize(kNearSizes.tablet);
    await logIn(page, '阿杰');
    await text(page, '查什么？').waitFor();
    await look(page, 'service-start', kNearSizes);
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    const names = await page.evaluate(() => performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname));
    const sizes = [...new Set(names)]
      .filter((name) => name.startsWith('/assets/'))
      .map((name) => gzipSync(readFileSync(path.join(process.env.VITRINE_PAGES, name))).length);
    const kilobytes = sizes.reduce((sum, each) => sum + each, 0) / 1000;
    console.log(`first paint after ${paint.toFixed(0)} ms, ${kilobytes.toFixed(1)} kB gzip`);
    assert.ok(paint < 1000 && kilobytes < 150);
    await button(page, /^待付尾款/).click();
    await text(page, '没有欠尾款的订单').waitFor();
    await button(page, '按时间').click();
    await text(page, '还没有播出过').waitFor();
    await button(page, '看当时的画面').click();
    await text(page, '这个时间没有直播').waitFor();
    await button(page, /^查找/).click();
  });

  test('what is on air shows up without a reload, with the price viewers see', async () => {
    await search().fill('A001');
    await search().press('Enter');
    await text(page, '没有播过').waitFor();
    await playShow(box);
    await row('¥39.90').first().waitFor();
    await row('¥29.90').waitFor();
    await text(page, '还在播').waitFor();
    await row('优惠已结束').waitFor();
    await row('售价').nth(1).waitFor(); // and behind it
    await search().fill('');
    await text(page, '正在直播：周日晚场').waitFor();
    await look(page, 'service-live', kOnTablet);
    await row('延边苹果梨').first().click();
    await row('¥29.90').click();
    await button(page, /^播放录像/).click();
    const video = page.locator('video');
    await video.waitFor();
    await waitFor('the picture', () => video.evaluate((each) => each.videoWidth === 640 && each.currentTime > 0));
    const length = await video.evaluate((each) => (each.pause(), each.duration));
    assert.ok(length > 4 && length < 30, `it lasts ${length} s`);
    await video.evaluate((each) => (each.currentTime = 3));
    await waitFor('the seek', () => video.evaluate((each) => !each.seeking && Math.abs(each.currentTime - 3) < 0.2));
    assert.match(await video.evaluate((each) => each.src), /^blob:/);
    await look(page, 'service-clip', kNearSizes);
    await page.keyboard.press('Escape');
    await box.must('POST', 'live/go', { to: 'next' });
    await waitFor('A002', async () => (await shownOf(box, 'A002')).length > 0);
    await pause(2000);
    await box.must('POST', 'live/stop', {});
    await waitFor('the recording', async () => (await box.must('GET', 'status')).studio.programs[0].state === 'off air');
  });
});

describe('after it', () => {
  test('an item leads to what was on screen, in words', async () => {
    await text(page, '最近一场：周日晚场').waitFor();
    await search().fill('pgl');
    await row('延边苹果梨').waitFor();
    await search().press('ArrowDown');
    await page.keyboard.press('Enter');
    await row('¥29.90').click();
    const then = page.getByRole('region', { name: '当时的画面' });
    await then.getByText('¥29.90').first().waitFor();
    await then.getByText('直播价', { exact: true }).waitFor();
    await then.getByText('共 20').waitFor();
    await then.getByText('编号 JC-2026-118').waitFor();
    await text(page, '坏果包赔').waitFor();
    await look(page, 'service-item', kNearSizes);
    await page.reload();
    await then.getByText('¥29.90').first().waitFor();
  });

  test('where viewers saw no price, none is told', async () => {
    await row('优惠已结束').first().click();
    const then = page.getByRole('region', { name: '当时的画面' });
    await then.getByText('没有显示价格').first().waitFor();
    assert.equal(await then.getByText('¥').count(), 0);
    const sentence = await page.getByLabel('回复顾客').inputValue();
    assert.match(sentence, /没有显示价格/);
    assert.doesNotMatch(sentence, /¥/);
    await row('¥29.90').click();
    await then.getByText('¥29.90').first().waitFor();
  });

  // What is closed is an ordinary MP4 inside one mdat, and the desk looks for fragments at the top only.
  test('the clip of a recording that is closed is there', { todo: 'the desk answers 404' }, async () => {
    const [first] = await shownOf(box, 'A001');
    const query = new URLSearchParams({ program: 'main', from: first.from, until: iso(Date.parse(first.from) + 3000) });
    const status = await page.evaluate(async (words) => (await fetch(`/api/v1/evidence/clip?${words}`)).status, `${query}`);
    assert.equal(status, 200);
  });

  test('a clip that is not there, and a desk that is away, are told apart', async () => {
    const clip = page.getByRole('region', { name: '当时的录像' });
    await page.route('**/evidence/clip?*', (route) => route.abort());
    await button(page, /^播放录像/).click();
    await clip.getByText('没有连上本机').waitFor();
    await page.unroute('**/evidence/clip?*');
    const problem = { status: 404, code: 'not_found', title: 'x', title_zh: 'x', detail: 'x' };
    await page.route('**/evidence/clip?*', (route) => route.fulfill({ status: 404, json: problem }));
    await button(page, /^播放录像/).click();
    await clip.getByText('没有这一刻的录像').waitFor();
    await page.unroute('**/evidence/clip?*');
  });

  test('the sentence says item, time, price and terms, and is copied', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: box.url });
    await button(page, '复制给顾客').click();
    await text(page, '已复制').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /延边苹果梨 5 斤装.*月.*日 \d\d:\d\d.*直播价是 ¥29\.90.*截止.*限量 20/s);
    // Over plain http there is no clipboard: what was selected is copied the old way, or can be with Ctrl+C.
    await page.evaluate(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true });
      document.execCommand = () => false;
    });
    await page.getByLabel('回复顾客').fill('改过的话');
    await button(page, '复制给顾客').click();
    await text(page, '请按 Ctrl+C').waitFor();
    assert.equal(await page.evaluate(() => getSelection().toString() || document.activeElement.value), '改过的话');
    await page.reload();
  });

  test('a time leads to what was on screen, and one that was not on air says so', async () => {
    const [first] = await shownOf(box, 'A001');
    const at = new Date(Date.parse(first.from) + 1000);
    const local = await page.evaluate((ms) => {
      const date = new Date(ms);
      const two = (value) => String(value).padStart(2, '0');
      return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    }, at.getTime());
    await search().fill(local);
    await search().press('Enter');
    const then = page.getByRole('region', { name: '当时的画面' });
    await then.getByText('¥39.90').first().waitFor();
    await button(page, '按时间').click();
    await page.locator('.row').first().click();
    await then.getByText('没有商品卡').waitFor();
    await look(page, 'service-time', kOnTablet);
    await page.getByLabel('日期').fill('2020-01-01');
    await button(page, '看当时的画面').click();
    await text(page, '这个时间没有直播').waitFor();
    await page.getByLabel('时间', { exact: true }).fill('');
    await button(page, '看当时的画面').click();
    await text(page, '请填完整的日期和时间').waitFor();
  });
});

describe('orders', () => {
  test('stand where they are to be worked on, with what is owed and until when', async () => {
    const shown = await shownOf(box, 'A001');
    const offer = shown.find((each) => each.price.minor === 2990 && each.form === 'normal' && each.offer.state === 'confirmed');
    const during = Date.parse(offer.from) + 1500;
    const pear = { product: 'A001', quantity: 2, price: 2990 };
    const jar = { product: 'A002', quantity: 1, price: 4580 };
    placeOrders(box, [
      { state: 'paid', name: '林*', placed_at: during, paid: 5980, lines: [pear] },
      { state: 'deposit_paid', name: '王**', placed_at: Date.now(), paid: 1000, lines: [jar] },
      { state: 'open', name: '欧阳**', placed_at: Date.now(), paid: 0, lines: [pear, jar] },
    ]);
    await button(page, /^待付尾款\s*1/).waitFor({ timeout: 25_000 });
    await button(page, /^待付尾款/).click();
    await row('000002').waitFor();
    await text(page, '共欠 ¥35.80').waitFor();
    await button(page, /^未付款/).click();
    await row('000003').waitFor();
    await button(page, /^待发货/).click();
    await row('000001').click();
    await text(page, '顾客下单前看到的').waitFor();
    await page.getByRole('region', { name: '当时的画面' }).getByText('¥29.90').first().waitFor();
    await text(page, '已付清，待发货').waitFor();
    assert.equal(await page.getByText('林*').count() > 0, true);
    await look(page, 'service-order', kNearSizes);
  });

  test('go into a table, and are found by their number', async () => {
    const download = page.waitForEvent('download');
    await button(page, '下载表格').click();
    const file = readFileSync(await (await download).path(), 'utf8');
    assert.match(file, /000001,paid,.*59\.80/);
    assert.doesNotMatch(file, /000003/);
    await search().fill('000002');
    await search().press('Enter');
    await text(page, '已付定金').waitFor();
    await page.getByText('尾款期限').first().waitFor();
    await text(page, '¥35.80').waitFor();
    await page.keyboard.press('Escape');
  });

  test('hundreds of them are paged, and ten thousand items are quick', async () => {
    const many = Array.from({ length: 240 }, (_, at) => ({
      state: 'deposit_paid',
      name: '张*',
      placed_at: Date.now() - at * 3_600_000,
      paid: 1000,
      lines: [{ product: 'A002', quantity: 1 + (at % 3), price: 4580 }],
    }));
    placeOrders(box, many);
    const rows = Array.from({ length: 10_000 }, (_, at) => `B${String(at).padStart(5, '0')},山货礼盒 ${at} 号 野生榛蘑 300 g,${(10 + (at % 90)).toFixed(2)},5`);
    await box.importMore(rows);
    await button(page, /^待付尾款\s*241/).waitFor({ timeout: 30_000 });
    await button(page, /^待付尾款/).click();
    await text(page, '第 1 页，共 5 页').waitFor();
    await look(page, 'service-orders', kNearSizes);
    await button(page, '下一页').click();
    await text(page, '第 2 页').waitFor();
    const begun = Date.now();
    await search().fill('榛蘑');
    await text(page, '共 10000 件').waitFor();
    const took = Date.now() - begun;
    console.log(`10,000 items: found in ${took} ms`);
    assert.ok(took < 2500);
    assert.equal(await page.locator('.row').count(), 30);
    await look(page, 'service-many', kOnTablet);
    await search().fill('没有这样的');
    await text(page, '没有找到').waitFor();
    await search().fill('');
  });
});

describe('when something is wrong', () => {
  test('a desk that is killed is said, and what was being looked at stays', async () => {
    await search().fill('A001');
    await search().press('Enter');
    await row('¥29.90').click();
    await box.end('desk', 'SIGKILL');
    await text(page, '连不上本机').waitFor({ timeout: 6000 });
    await look(page, 'service-desk-down', kOnTablet);
    await box.startDesk();
    await page.getByText('连不上本机').waitFor({ state: 'detached' });
    await page.getByRole('region', { name: '当时的画面' }).getByText('¥29.90').first().waitFor();
    assert.equal(await search().inputValue(), 'A001');
  });

  test('English and dark, and idle it is idle', async () => {
    await button(page, '阿杰，账号菜单').click();
    await button(page, 'English').click();
    await button(page, 'Dark').click();
    await button(page, 'Close').click();
    await text(page, 'On screen then').waitFor();
    await look(page, 'service-english-dark', kOnDesk);
    const load = await idleLoad(page, 5);
    console.log(`idle: ${load.toFixed(2)} % of a core on the page's thread`);
    assert.ok(load < 3);
    await page.context().close();
  });

  test('who has no business here is told where to go', async () => {
    const other = await browser.page(`${box.url}/service`);
    await logIn(other, '小美');
    await text(other, '这一页不是给').waitFor();
    await other.context().close();
  });
});
