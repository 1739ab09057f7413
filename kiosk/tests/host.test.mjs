// SPDX-License-Identifier: Apache-2.0
// /host, as a host reads it: from three metres on a second screen, or on a phone in the hand.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Box, waitFor } from './box.mjs';
import { Browser, button, idleLoad, kPin, kSizes, logIn, look, text } from './browser.mjs';

const kLongName = '东北五常稻花香二号当季新米真空包装十斤家庭装（含礼盒）';
const kPoints = [
  '龙井果园直采，海拔六百米，昼夜温差十六度',
  '糖度十四以上，每箱都测过',
  '坏果包赔：收到四十八小时内拍照，直接退款不用寄回',
  '今天下单明天发，冷链到家',
];
const kManyPoints = Array.from({ length: 16 }, (_, i) => `第 ${i + 1} 点：煮饭前泡二十分钟，水和米一比一点二，开锅就能闻到香味，凉了也不回生`);

const kFar = { landscape: kSizes.landscape };

let browser;
let box;
let page;
let show;
const note = (item, talking_points, more = {}) =>
  box.must('PUT', `items/${item}/note`, { version: 0, note: { talking_points, ...more } });
const program = async () => (await box.must('GET', 'status')).studio?.programs[0];
const cue = (words) => box.must('POST', 'live/cues', { text: words });
const goTo = (segment) => box.must('POST', 'live/go', { segment: show.plan.rundown[segment].id });
const place = (selector) => page.locator(selector).evaluate((each) => each.scrollTop);

before(async () => {
  browser = await Browser.open();
  box = await Box.start({ destinations: false });
  await box.addAccount('xiaoli', '小李', 'host', kPin);
  await box.addAccount('xiaomei', '小美', 'assistant', kPin);
  await box.addAccount('ajie', '阿杰', 'service', kPin);
  await box.importItems([
    'A001,延边苹果梨 5 斤装,39.90,126',
    `A002,${kLongName},128,18`,
    'A003,老坛山楂罐头 425 g × 6 罐,45.80,0',
    'A004,人参蜂蜜 500 g,199,40',
  ]);
  await note('A001', kPoints);
  await note('A002', kManyPoints);
  await note('A004', ['长白山五年参'], {
    deposit: {
      pay: { minor: 5000, currency: 'CNY' },
      worth: { minor: 10000, currency: 'CNY' },
      balance_until: '2027-01-20T15:59:00Z',
    },
  });
  show = await box.must('POST', 'shows', {
    plan: {
      title: '周日晚场 · 东北好物',
      host: '小李',
      pace: { item_s: 600 }, // no hint of it comes in between, however slow the machine is
      begins_at: new Date(Date.now() + 40 * 60_000).toISOString(),
      rundown: [
        { kind: 'opening' },
        ...['A001', 'A002', 'A003', 'A004', 'A009'].map((product) => ({ kind: 'item', item: { product } })),
        { kind: 'break', title: '抽奖' },
      ],
    },
  });
  page = await browser.page(`${box.url}/host`);
});
after(async () => {
  await browser?.close();
  await box?.stop();
});

/// The pixels of what is said, with what is smaller than it may be. Of the menu nobody reads anything from there.
const smallest = () =>
  page.evaluate(() => {
    const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    let least = Infinity;
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (walker.currentNode.textContent.trim() !== '' && parent.checkVisibility() && !parent.closest('.visually-hidden, .symbol'))
        least = Math.min(least, parseFloat(getComputedStyle(parent).fontSize));
    }
    return least;
  });
/// What of the item is not whole in the room that a cue leaves.
const overlapping = () =>
  page.evaluate(() => {
    const room = document.querySelector('.room').getBoundingClientRect();
    return [...document.querySelectorAll('.now h2, .now .figures > *, .now .next')]
      .filter((each) => each.checkVisibility() && each.getBoundingClientRect().bottom > room.bottom + 2)
      .map((each) => each.textContent);
  });
const sizeOf = (selector) =>
  page.locator(selector).first().evaluate((each) => parseFloat(getComputedStyle(each).fontSize));

describe('before the show', () => {
  test('the next show with its rundown, each item by its name', async () => {
    await logIn(page, '小李');
    await text(page, '周日晚场').waitFor();
    await text(page, kLongName).waitFor();
    await text(page, 'A009：店铺里找不到').waitFor();
    await look(page, 'host-before');
  });

  test('none of the roles that are not on the set', async () => {
    const other = await browser.page(`${box.url}/host`);
    await logIn(other, '阿杰');
    await text(other, '这一页不是给“客服”用的').waitFor();
    await other.context().close();
  });
});

describe('on air', () => {
  before(async () => {
    await box.must('POST', 'live/start', { show: show.id, override: '测试' });
    await waitFor('the studio on air', async () => (await program()).state === 'on air');
    await goTo(1);
  });

  test('the item, its price and its points, large enough for three metres', async () => {
    await text(page, '延边苹果梨').waitFor();
    await text(page, kPoints[3]).waitFor();
    await page.locator('.cost', { hasText: '39.9' }).waitFor();
    await look(page, 'host-item');
    assert.ok((await sizeOf('.now h2')) >= 90);
    assert.ok((await sizeOf('.window')) >= 56);
    assert.ok((await smallest()) >= 40, `the smallest text has ${await smallest()} px`);
  });

  test('an offer with its time; the price after it is never called anything it is not', async () => {
    await box.must('POST', 'offers', { seconds: 240, quantity: 50, prices: [{ product: 'A001', variant: '', amount: '29.90' }] });
    await page.locator('.cost', { hasText: '29.9' }).waitFor();
    await text(page, '优惠结束后 ¥39.9').waitFor();
    await text(page, '限量 50 件').waitFor();
    await look(page, 'host-offer');
  });

  test('a cue is on top at once and stays until it was read; a key that was on its way reads nothing', async () => {
    await cue('先别报价，等优惠上屏');
    await text(page, '先别报价，等优惠上屏').waitFor({ timeout: 2000 });
    await page.keyboard.press('PageDown');
    await cue('有人问：坏果怎么赔？请再说一遍售后');
    const newest = page.getByRole('button', { name: /有人问/ });
    await newest.waitFor();
    await text(page, '后面还有 1 条').waitFor();
    await look(page, 'host-cue');
    assert.equal((await box.must('GET', 'live')).cues.length, 2);
    await page.waitForTimeout(1600);
    await page.keyboard.press('PageDown');
    await page.getByRole('button', { name: /先别报价/ }).waitFor();
    await page.getByRole('button', { name: /先别报价/ }).click();
    await page.locator('.cue').waitFor({ state: 'detached' });
    await waitFor('both read', async () => (await box.must('GET', 'live')).cues.length === 0);
  });

  test('the longest cue is whole', async () => {
    await cue('这一段请一字不差地念：'.padEnd(200, '本品为普通食品不能代替药物'));
    await page.locator('.cue').waitFor();
    await look(page, 'host-cue-long');
    await page.reload();
    await page.locator('.cue').click();
    await page.locator('.cue').waitFor({ state: 'detached' });
  });

  test('points that are too long turn in pages; how many are left is said, and keys change nothing else', async () => {
    await goTo(2);
    await text(page, kLongName).waitFor();
    await text(page, '下面还有').waitFor();
    await look(page, 'host-long');
    assert.ok((await sizeOf('.window')) >= 56);
    const step = (await box.must('GET', 'live')).on.step;
    for (let i = 0; i < 12; ++i) await page.keyboard.press(i % 2 === 0 ? 'PageDown' : 'ArrowDown');
    await text(page, '上面还有').waitFor();
    assert.ok((await place('.window')) > 100);
    await text(page, kManyPoints[15]).waitFor();
    for (const key of ['Enter', ' ', 'b', 'End', 'n', 'ArrowRight']) await page.keyboard.press(key);
    assert.equal((await box.must('GET', 'live')).on.step, step);
    for (let i = 0; i < 12; ++i) await page.keyboard.press('PageUp');
    assert.equal(await place('.window'), 0);
  });

  test('a cue over a long name: whole lines, however little room is left', async () => {
    for (const [words, name] of [['请把福利款再讲一遍，库存不多了', 'host-cue-name'], ['念这一句：'.padEnd(105, '坏果包赔拍照就退'), 'host-cue-name-long']]) {
      await cue(words);
      await page.locator('.cue').waitFor();
      await look(page, name);
      assert.deepEqual(await overlapping(), []);
      await page.locator('.cue').click();
      await page.locator('.cue').waitFor({ state: 'detached' });
    }
  });

  test('news of the shop loses nobody his place', async () => {
    await page.keyboard.press('PageDown');
    const before = await place('.window');
    assert.ok(before > 0);
    await box.must('POST', 'offers', { seconds: 600, prices: [{ product: 'A004', variant: '', amount: '188' }] });
    await page.waitForTimeout(1500);
    assert.equal(await place('.window'), before);
    await page.keyboard.press('PageUp');
    assert.equal(await place('.window'), 0);
  });

  test('every point is on some page, whole', async () => {
    const seen = new Set();
    for (let i = 0; i < 12; ++i) {
      const whole = await page.evaluate(() => {
        const view = document.querySelector('.window').getBoundingClientRect();
        return [...document.querySelectorAll('.window li')].flatMap((each, index) => {
          const { top, bottom } = each.getBoundingClientRect();
          return top >= view.top - 2 && bottom <= view.bottom + 2 ? [index] : [];
        });
      });
      for (const each of whole) seen.add(each);
      await page.keyboard.press('PageDown');
    }
    assert.equal(seen.size, kManyPoints.length);
  });

  test('sold out, a deposit, an item that is not there, a break: each says what to do', async () => {
    await goTo(3);
    await text(page, '已售罄').waitFor();
    await look(page, 'host-soldout', kFar);
    await goTo(4);
    await text(page, '定金 ¥50.00 抵 ¥100.00').waitFor();
    await look(page, 'host-deposit');
    await button(page, /账号菜单/).click();
    await button(page, 'English').click();
    assert.equal(await button(page, 'Light').count(), 0); // it is black, whatever was chosen
    await button(page, 'Close').click();
    await look(page, 'host-english', { landscape: kSizes.landscape, phone: kSizes.phone });
    await button(page, /account menu/).click();
    await button(page, '中文').click();
    await button(page, '关闭').click();
    await goTo(5);
    await text(page, '店铺里找不到这件商品').waitFor();
    await goTo(6);
    await text(page, '后面没有了').waitFor();
    await look(page, 'host-break', kFar);
  });

  test('what the operator mends in a note is there with the next news, without a reload', async () => {
    await goTo(4);
    await text(page, '长白山五年参').waitFor();
    await page.waitForTimeout(5100);
    await box.must('PUT', 'items/A004/note', { version: 1, note: { talking_points: ['长白山六年参，今年新挖'] } });
    await cue('讲解点改了');
    await text(page, '六年参').waitFor();
    await page.locator('.cue').click();
    await page.locator('.cue').waitFor({ state: 'detached' });
  });

  test('on a phone the host goes on himself; who presses twice skips nothing', async () => {
    await goTo(1);
    await text(page, kPoints[0]).waitFor();
    assert.equal(await button(page, '下一段').isVisible(), false);
    await page.setViewportSize({ width: 390, height: 844 });
    await button(page, '下一段').dblclick();
    await page.locator('h2', { hasText: kLongName }).waitFor();
    await button(page, '上一段').click();
    await page.locator('h2', { hasText: '延边苹果梨' }).waitFor();
    const other = await browser.page(`${box.url}/host`);
    await other.setViewportSize({ width: 390, height: 844 });
    await logIn(other, '小美');
    await other.locator('h2', { hasText: '延边苹果梨' }).waitFor();
    assert.equal(await button(other, '下一段').count(), 0);
    await other.context().close();
    await page.setViewportSize({ width: 1920, height: 1080 });
  });

  test('news that could not be read is read again; a price that may be another one is gone meanwhile', async () => {
    let isAway = true;
    await page.route('**/api/v1/live', (route) => (isAway ? route.abort('connectionreset') : route.continue()));
    await cue('二号机看得更清楚');
    await page.locator('.cost', { hasText: '先别报价' }).waitFor({ timeout: 8000 });
    assert.equal(await page.locator('.banner').count(), 0); // the socket is well
    isAway = false;
    await text(page, '二号机看得更清楚').waitFor({ timeout: 2500 });
    await page.locator('.cost', { hasText: '29.9' }).waitFor({ timeout: 2500 });
    await page.unroute('**/api/v1/live');
    await page.getByRole('button', { name: /二号机/ }).click();
    await page.getByRole('button', { name: /二号机/ }).waitFor({ state: 'detached' });
  });

  test('idle it takes next to nothing', async () => {
    const load = await idleLoad(page, 6);
    console.log(`idle, on air: ${load.toFixed(2)} % of a core on the page's thread`);
    assert.ok(load < 3);
  });

  test('an old price is not there to be read out once the box is away; the points are', async () => {
    await box.end('desk', 'SIGKILL');
    await text(page, '断了').waitFor({ timeout: 2000 });
    await page.locator('.cost', { hasText: '29.9' }).waitFor();
    await text(page, '先别报价').waitFor({ timeout: 7000 });
    assert.equal(await page.getByText('¥').count(), 0);
    await text(page, kPoints[0]).waitFor();
    await look(page, 'host-desk-down');
    await box.startDesk();
    await page.getByText('断了').waitFor({ state: 'detached' });
    await page.locator('.cost', { hasText: '29.9' }).waitFor();
  });
});
