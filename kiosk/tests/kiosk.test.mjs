// SPDX-License-Identifier: Apache-2.0
// /kiosk, as a shop assistant meets it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Box, drawPear, waitFor } from './box.mjs';
import { Browser, button, enterPin, idleLoad, kNearSizes, kPin, logIn, look, text } from './browser.mjs';

let browser;
before(async () => {
  browser = await Browser.open();
});
after(() => browser?.close());

describe('a new box', () => {
  let box;
  before(async () => {
    box = await Box.start({ destinations: false, tls: true });
  });
  after(() => box?.stop());

  test('is there within a second, and small', async () => {
    const page = await browser.page(box.url);
    const paint = await waitFor('the first paint', () =>
      page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime),
    );
    const names = await page.evaluate(() =>
      performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname),
    );
    const sizes = names
      .filter((name) => name.startsWith('/assets/'))
      .map((name) => gzipSync(readFileSync(path.join(process.env.VITRINE_PAGES, name))).length);
    const kilobytes = sizes.reduce((sum, each) => sum + each, 0) / 1000;
    console.log(`first paint after ${paint.toFixed(0)} ms, ${kilobytes.toFixed(1)} kB gzip`);
    assert.ok(paint < 1000 && kilobytes < 150 && sizes.length >= 2);
    await page.context().close();
  });

  test('shows its code, and whoever reads it there makes the first account', async () => {
    const page = await browser.page(box.url);
    assert.equal(new URL(page.url()).pathname, '/kiosk');
    await text(page, '第一次使用').waitFor();
    await look(page, 'pairing');
    await page.getByLabel('称呼').fill('老李');
    await page.getByLabel('账号', { exact: true }).fill('laoli');
    await page.getByLabel('密码', { exact: true }).fill('123456');
    await page.getByLabel('再输一次密码').fill('123457');
    await button(page, '建立账号').click();
    await text(page, '两次密码不一样').waitFor();
    await page.getByLabel('再输一次密码').fill('123456');
    await button(page, '建立账号').click();
    await text(page, '这个密码太好猜').waitFor();
    await look(page, 'pairing-weak-pin');
    await page.getByLabel('密码', { exact: true }).fill(kPin);
    await page.getByLabel('再输一次密码').fill(kPin);
    await button(page, '建立账号').click();
    await button(page, '开始直播').waitFor();
    await text(page, '没有排好的场次').waitFor();
    await page.getByText('正在检查').first().waitFor({ state: 'detached' });
    await look(page, 'ready-unplanned');
    await page.reload();
    await button(page, '开始直播').waitFor();
    await page.context().close();
  });

  test('lets a tablet in over TLS, which is told no names, and keeps its cookie to itself', async (t) => {
    if (!box.networkUrl) return t.skip('this machine is in no network');
    const page = await browser.page(`${box.networkUrl}/operate`);
    await page.getByLabel('账号', { exact: true }).fill('laoli');
    assert.equal(await page.getByText('老李', { exact: true }).count(), 0);
    await page.getByLabel(/密码/).fill('999999');
    await button(page, '登录').click();
    await text(page, '账号或密码不对').waitFor();
    await look(page, 'login-network', kNearSizes);
    await page.getByLabel(/密码/).fill(kPin);
    await button(page, '登录').click();
    await text(page, '还没有场次').waitFor();
    await page.reload();
    await text(page, '还没有场次').waitFor();
    const [cookie] = await page.context().cookies();
    assert.ok(cookie.name.startsWith('__Host-') && cookie.secure && cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify(cookie));
    await page.context().close();
  });

  test('logs in who works here, and nobody with a wrong PIN', async () => {
    await box.addAccount('xiaomei', '小美', 'assistant', kPin);
    await box.addAccount('ajie', '阿杰', 'service', kPin);
    const page = await browser.page(box.url);
    await text(page, '谁来开播').waitFor();
    await look(page, 'login-who');
    await button(page, '小美').click();
    await enterPin(page, '999999');
    await text(page, '账号或密码不对').waitFor();
    await page.keyboard.type('27');
    await look(page, 'login-pin');
    await page.keyboard.type(kPin.slice(2));
    await page.keyboard.press('Enter');
    await button(page, '开始直播').waitFor();
    await button(page, '小美，账号菜单').click();
    await look(page, 'menu');
    await button(page, 'English').click();
    await button(page, 'Light').click();
    await button(page, 'Close').click();
    await button(page, 'Go live').waitFor();
    await look(page, 'ready-english-light');
    await page.reload();
    await button(page, 'Go live').waitFor();
    await button(page, '小美, account menu').click();
    await button(page, 'Log out').click();
    await text(page, 'Who is it?').waitFor();
    await button(page, '阿杰').click();
    await page.keyboard.type(kPin);
    await page.keyboard.press('Enter');
    await text(page, 'is not for the role').waitFor();
    await look(page, 'not-allowed');
    await page.context().close();
  });
});

describe('a show', () => {
  let box;
  let page;
  before(async () => {
    box = await Box.start();
    await box.addAccount('xiaomei', '小美', 'assistant', kPin);
    await box.addAccount('aqiang', '阿强', 'operator', kPin);
    const photos = path.join(box.dir, 'photos');
    drawPear(photos);
    await box.importItems(['A001,延边苹果梨 5 斤装,39.90,126', 'A002,老坛山楂罐头 425 g × 6 罐,45.80,0'], photos);
    await waitFor('the photo', async () => (await box.must('GET', 'items')).items.some((item) => item.photo?.blob));
    await box.must('POST', 'shows', {
      plan: {
        title: '周日晚场',
        host: '小李',
        pace: { item_s: 40 },
        begins_at: new Date(Date.now() + 600_000).toISOString(),
        ends_at: new Date(Date.now() + 7_800_000).toISOString(),
        rundown: [
          { kind: 'opening' },
          { kind: 'item', item: { product: 'A001' } },
          { kind: 'item', item: { product: 'A002' } },
          { kind: 'break', title: '抽奖' },
        ],
      },
    });
    page = await browser.page(box.url);
    await logIn(page, '小美');
  });
  after(async () => {
    await page?.context().close();
    await box?.stop();
  });
  const program = async () => (await box.must('GET', 'status')).studio?.programs[0];

  test('its lights say what to look at', async () => {
    await text(page, '周日晚场').waitFor();
    await text(page, '可以开播').waitFor();
    await look(page, 'ready-planned');
    await button(page, /^商品/).click();
    await text(page, '没有库存').waitFor();
    await look(page, 'light-dialog');
    await page.keyboard.press('Escape');
    await button(page, '换一场').click();
    await look(page, 'choose-show');
    await page.keyboard.press('Escape');
    const load = await idleLoad(page, 8);
    console.log(`idle, before the show: ${load.toFixed(2)} % of a core on the page's thread`);
    assert.ok(load < 3);
  });

  test('one touch, and it is on air', async () => {
    await button(page, '开始直播').click();
    await page.getByRole('status').filter({ hasText: '直播中' }).waitFor();
    await waitFor('the studio on air', async () => (await program()).state === 'on air');
    await text(page, '开场').waitFor();
    await text(page, '正在重连，其他平台不受影响').waitFor();
    await waitFor('the platform', async () => (await program()).destinations[0].state === 'live');
    await page.waitForTimeout(1500);
    await look(page, 'on-air-opening');
  });

  test('next, an offer with its time, previous; who presses twice skips nothing', async () => {
    const next = button(page, /^下一/);
    await next.dblclick();
    await text(page, '第 1 件').waitFor();
    await text(page, '库存 126 件').waitFor();
    await look(page, 'on-air-item');
    await waitFor('the program itself, not far behind', () =>
      page.evaluate(() => {
        const video = document.querySelector('video');
        if (!video || video.videoWidth !== 640 || video.buffered.length === 0) return false;
        return video.currentTime > 0 && video.buffered.end(video.buffered.length - 1) - video.currentTime < 1;
      }),
    );
    await box.must('POST', 'offers', { seconds: 300, quantity: 50, prices: [{ product: 'A001', variant: '', amount: '29.90' }] });
    await text(page, '优惠还剩').waitFor();
    await page.locator('.price', { hasText: '29.9' }).waitFor();
    await look(page, 'on-air-offer');
    await next.click();
    await text(page, '已售罄').waitFor();
    await look(page, 'on-air-sold-out');
    await button(page, '上一段').click();
    await text(page, '第 1 件').waitFor();
    await text(page, '这件快到时间了').waitFor(); // ten seconds later, without anybody asking
    await button(page, '关掉画面').click();
    await text(page, '画面已关').waitFor();
    const load = await idleLoad(page, 8);
    console.log(`idle, on air: ${load.toFixed(2)} % of a core on the page's thread`);
    assert.ok(load < 3);
    await button(page, /点这里打开画面/).click();
  });

  test('the break slate hides the set, and help is called until somebody comes', async () => {
    await button(page, '休息画面').click();
    await text(page, '休息画面开着').waitFor();
    await button(page, '呼叫帮助').click();
    await look(page, 'help-dialog');
    await button(page, '呼叫').last().click();
    await button(page, '已呼叫').waitFor();
    await look(page, 'on-air-slate-help');
    const other = await browser.page(box.url);
    await other.getByRole('button', { name: '阿强' }).click();
    await enterPin(other);
    await button(other, '已呼叫').click();
    await text(other, '小美 在').waitFor();
    await look(other, 'help-answer');
    await button(other, '我来了').click();
    await button(other, '呼叫帮助').waitFor();
    await other.context().close();
    await text(page, '阿强 看到了，马上来').waitFor();
    await look(page, 'notice');
    await button(page, '关闭').click();
    await button(page, '恢复画面').click();
    await page.getByText('休息画面开着').waitFor({ state: 'detached' });
  });

  test('a desk that is killed is said at once and comes back by itself', async () => {
    await box.end('desk', 'SIGKILL');
    await text(page, '断了').waitFor({ timeout: 2000 });
    await text(page, '状态未知').waitFor();
    await look(page, 'desk-down');
    await box.startDesk();
    await page.getByText('断了').waitFor({ state: 'detached' });
    await page.getByRole('status').filter({ hasText: '直播中' }).waitFor();
    await text(page, '第 1 件').waitFor();
  });

  test('a studio that is killed is said, and goes on', async () => {
    await box.end('studio', 'SIGKILL');
    await text(page, '直播引擎没有响应').waitFor();
    await look(page, 'studio-down');
    box.startStudio();
    await page.getByRole('status').filter({ hasText: '直播中' }).waitFor();
    await page.getByText('直播引擎没有响应').first().waitFor({ state: 'detached' });
  });

  test('it is ended only on purpose', async () => {
    await button(page, '结束直播').click();
    await look(page, 'stop-dialog');
    await button(page, '继续直播').click();
    assert.equal((await box.must('GET', 'live')).is_live, true);
    await button(page, '结束直播').click();
    await button(page, '结束直播').last().click();
    await text(page, '未开播').waitFor();
    await button(page, '开始直播').waitFor();
    await waitFor('the studio off air', async () => (await program()).state === 'off air');
    assert.equal((await box.must('GET', 'live')).is_live, false);
  });
});

describe('a show with something wrong', () => {
  test('what the law wants is mended first, or started with a reason that is kept', async () => {
    const box = await Box.start({ destinations: false });
    try {
      await box.addAccount('xiaomei', '小美', 'assistant', kPin);
      await box.must('POST', 'shows', {
        plan: { title: '晚场', rundown: [{ kind: 'item', item: { product: 'A009' } }] },
      });
      const page = await browser.page(box.url);
      await logIn(page, '小美');
      await text(page, '必须先解决').waitFor();
      await look(page, 'ready-blocked');
      await button(page, '开始直播').click();
      await text(page, '仍要开播').waitFor();
      assert.equal(await button(page, '按此理由开播').isDisabled(), true);
      await button(page, '店长已同意').click();
      await look(page, 'override');
      await button(page, '按此理由开播').click();
      await page.getByRole('status').filter({ hasText: '直播中' }).waitFor();
      await text(page, '这件商品在店铺里找不到').waitFor();
      assert.equal((await box.must('GET', 'live')).show.override_why, '店长已同意');
      await page.context().close();
    } finally {
      await box.stop();
    }
  });

  test('without the shop it starts all the same, and says so', async () => {
    const box = await Box.start({
      destinations: false,
      commerce: 'backend = "vendure"\nurl = "http://127.0.0.1:9"\ncredential = "shop-secret"',
    });
    try {
      await box.addAccount('xiaomei', '小美', 'assistant', kPin);
      const page = await browser.page(box.url);
      await logIn(page, '小美');
      await text(page, '连不上店铺后台').waitFor();
      await look(page, 'ready-shop-down');
      await button(page, '开始直播').click();
      await page.getByRole('status').filter({ hasText: '直播中' }).waitFor();
      await text(page, '连不上店铺。直播照常').waitFor();
      await look(page, 'on-air-shop-down');
      await page.context().close();
    } finally {
      await box.stop();
    }
  });
});
