// SPDX-License-Identifier: Apache-2.0
// /operate, through an hour of selling.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Box, drawPear, waitFor } from './box.mjs';
import { Browser, button, enterPin, idleLoad, kNearSizes, kPin, logIn, look as lookAt, text } from './browser.mjs';

/// From the top of what scrolls: where a click has left it is chance.
async function look(page, name) {
  await page.evaluate(() => document.querySelectorAll('.right, ol, dialog .body').forEach((each) => each.scrollTo(0, 0)));
  await lookAt(page, `operate-${name}`, kNearSizes);
}
const kItems = 10_000;

describe('the operator', () => {
  let browser;
  let box;
  let page;
  before(async () => {
    browser = await Browser.open();
    box = await Box.start({ cameras: 2 });
    await box.addAccount('aqiang', '阿强', 'operator', kPin);
    await box.addAccount('xiaomei', '小美', 'assistant', kPin);
    const photos = path.join(box.dir, 'photos');
    drawPear(photos);
    const rows = ['A001,延边苹果梨 5 斤装,39.90,126', 'A002,老坛山楂罐头 425 g × 6 罐,45.80,60'];
    for (let i = 3; i <= kItems; ++i) rows.push(`B${String(i).padStart(5, '0')},杂货 ${i} 号,${(i % 90) + 10}.50,${i % 50}`);
    await box.importItems(rows, photos);
    page = await browser.page(`${box.url}/operate`);
  });
  after(async () => {
    await browser?.close();
    await box?.stop();
  });
  const live = () => box.must('GET', 'live');
  const rundown = async () => (await box.must('GET', 'shows?state=planned')).shows[0]?.plan.rundown ?? [];
  const layer = (name) => page.locator('.layers').getByRole('button', { name });
  const search = () => page.locator('[data-search]');
  async function insert(words, name) {
    await page.keyboard.press('/');
    await page.keyboard.type(words);
    const options = page.locator('.search').getByRole('option');
    await options.filter({ hasText: name }).waitFor();
    await page.keyboard.press('Enter');
    await options.first().waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
  }

  test('makes a rundown out of ten thousand items', async () => {
    await logIn(page, '阿强');
    await text(page, '还没有场次').waitFor();
    await look(page, 'empty');
    await insert('ybpgl', '延边苹果梨');
    await waitFor('the first item', async () => (await rundown()).length === 1);
    await text(page, '延边苹果梨').waitFor();
    await search().fill('杂货');
    await text(page, '共 9998 件').waitFor();
    await look(page, 'search');
    await search().fill('没有这件');
    await text(page, '没有找到').waitFor();
    await search().press('Escape');
    await insert('B00007', '杂货 7 号');
    await insert('老坛', '山楂');
    await button(page, '加休息').click();
    await waitFor('the break', async () => (await rundown()).length === 4);
    await look(page, 'planned');
  });

  test('puts it in order, by dragging and by keys, and nobody overwrites anybody', async () => {
    const grip = (name) => button(page, new RegExp(`移动“${name}`));
    await grip('老坛').focus();
    await page.keyboard.press('ArrowUp');
    await waitFor('the order', async () => (await rundown())[1].item?.product === 'A002');
    const from = await grip('杂货').boundingBox();
    const to = await grip('延边').boundingBox();
    await page.mouse.move(from.x + 10, from.y + 10);
    await page.mouse.down();
    await page.mouse.move(to.x + 10, to.y + 5, { steps: 5 });
    await page.mouse.up();
    await waitFor('the order', async () => (await rundown())[0].item?.product === 'B00007');
    await page.locator('.row', { hasText: '杂货' }).click();
    await button(page, '移除').click();
    await waitFor('it to be out', async () => (await rundown()).length === 3);
    await button(page, /撤销.*移除“杂货/).waitFor();
    await page.keyboard.press('Control+z');
    await waitFor('it to be back where it was', async () => (await rundown())[0].item?.product === 'B00007');
    await button(page, /撤销.*移动“杂货/).click();
    await waitFor('the order before the dragging', async () => (await rundown())[2].item?.product === 'B00007');
    await page.locator('.row', { hasText: '杂货' }).click();
    await button(page, '移除').click();
    await waitFor('it to be out', async () => (await rundown()).length === 3);
    // Somebody else, at the same time.
    const show = (await box.must('GET', 'shows?state=planned')).shows[0];
    await box.must('PUT', `shows/${show.id}`, { version: show.version, plan: { ...show.plan, title: '周日晚场' } });
    await text(page, '周日晚场').waitFor();
    assert.equal((await rundown()).length, 3);
  });

  test('names the show and its times, copies it, and takes back what was deleted', async () => {
    await page.getByLabel('主播', { exact: true }).fill('小李');
    await page.getByLabel('开始').fill('2027-01-02T20:00');
    await page.getByLabel('结束', { exact: true }).fill('2027-01-02T19:00');
    await button(page, '保存').click();
    await text(page, '结束要晚于开始').waitFor();
    await look(page, 'show-wrong');
    await page.getByLabel('结束', { exact: true }).fill('2027-01-02T22:00');
    await button(page, '保存').click();
    const show = await waitFor('it to be saved', async () => {
      const saved = (await box.must('GET', 'shows?state=planned')).shows[0];
      return saved.plan.host === '小李' ? saved : undefined;
    });
    assert.equal(Date.parse(show.plan.begins_at), Date.parse('2027-01-02T20:00:00+08:00'));
    await box.must('PUT', 'documents/licence-1', {
      version: 0,
      document: { kind: 'business_licence', holder: '延边老李生鲜有限公司', number: '91222401MA0000000X', valid_until: '2099-12-31' },
    });
    await page.reload();
    await page.getByLabel('营业执照').selectOption({ label: '延边老李生鲜有限公司' });
    await page.getByLabel(/AI 主播/).check();
    await button(page, '保存').click();
    await waitFor('the licence', async () => {
      const { plan } = await box.must('GET', `shows/${show.id}`);
      return plan.licence === 'licence-1' && plan.is_ai;
    });
    await page.getByLabel(/AI 主播/).uncheck();
    await button(page, '保存').click();
    await waitFor('no AI', async () => !(await box.must('GET', `shows/${show.id}`)).plan.is_ai);
    await button(page, '复制这场').click();
    await text(page, '周日晚场（复制）').waitFor();
    await page.getByLabel('排哪一场').waitFor();
    await button(page, '删除这场').click();
    await text(page, '已删除').waitFor();
    await page.locator('.notice').getByRole('button', { name: '关闭' }).click();
    await waitFor('one', async () => (await box.must('GET', 'shows?state=planned')).shows.length === 1);
    await button(page, /撤销.*删除/).click();
    await waitFor('two', async () => (await box.must('GET', 'shows?state=planned')).shows.length === 2);
    await page.getByLabel('排哪一场').selectOption(String(show.id));
    const { version, plan } = await box.must('GET', `shows/${show.id}`);
    await box.must('PUT', `shows/${show.id}`, { version, plan: { ...plan, begins_at: undefined, ends_at: undefined, licence: '' } });
  });

  test('sees the show, and starts an offer that the shop confirms', async () => {
    const shows = (await box.must('GET', 'shows?state=planned')).shows;
    await box.must('POST', 'live/start', { show: shows.find((each) => each.plan.title === '周日晚场').id });
    await page.getByRole('status').filter({ hasText: '直播中' }).waitFor();
    await waitFor('the platform', async () => (await box.must('GET', 'status')).studio?.programs[0].destinations[0].state === 'live');
    await page.getByLabel('优惠价（元）').fill('45');
    await page.getByLabel('几分钟').fill('0');
    await button(page, '开始优惠').click();
    await text(page, '要低于现价 ¥39.9').waitFor();
    await text(page, '1 到 720').waitFor();
    await look(page, 'offer-wrong');
    await page.getByLabel('优惠价（元）').fill('29.90');
    await page.getByLabel('几分钟').fill('5');
    await page.getByLabel('限几件').fill('50');
    await button(page, '开始优惠').click();
    await text(page, '优惠还剩').waitFor();
    await page.locator('.item .price', { hasText: '29.9' }).waitFor();
    await look(page, 'offer');
    await button(page, '结束优惠').click();
    await page.locator('.item .price', { hasText: '39.9' }).waitFor();
    await button(page, '开始优惠').waitFor();
  });

  test('lists and delists an item, says how long it is for, and sees the orders', async () => {
    await page.getByRole('button', { name: '下架', exact: true }).click();
    await waitFor('it to be delisted', async () => (await box.must('GET', 'items/A001')).availability === 'delisted');
    await page.getByRole('button', { name: '上架', exact: true }).click();
    await waitFor('it to be listed', async () => (await box.must('GET', 'items/A001')).availability === 'listed');
    await text(page, '已上架').waitFor();
    await page.getByLabel('计划讲').fill('3');
    await page.keyboard.press('Tab');
    await waitFor('its time', async () => (await live()).show.plan.rundown[0].planned_s === 180);
    await button(page, '备注').click();
    await page.getByLabel('讲解点').fill('糖度十四以上\n\n坏果包赔 ');
    await page.getByLabel('生产地址').fill('延边龙井');
    await page.getByLabel('定金（元）').fill('10');
    await page.getByLabel('定金抵多少').fill('5');
    await page.locator('dialog').getByRole('button', { name: '保存' }).click();
    await text(page, '不能低于定金').waitFor();
    await look(page, 'note-wrong');
    await page.getByLabel('生产者', { exact: true }).fill('延边果园');
    await page.getByLabel('定金抵多少').fill('20');
    await page.getByLabel('尾款期限').fill('2099-01-02T20:00');
    await page.locator('dialog').getByRole('button', { name: '保存' }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    const { versions } = await box.must('GET', 'items/A001/note');
    const { note } = versions[0];
    assert.deepEqual(note.talking_points, ['糖度十四以上', '坏果包赔']);
    assert.deepEqual(note.producer, { name: '延边果园', address: '延边龙井' });
    assert.deepEqual([note.deposit.pay.minor, note.deposit.worth.minor], [1000, 2000]);
    assert.equal(Date.parse(note.deposit.balance_until), Date.parse('2099-01-02T20:00:00+08:00'));
    await button(page, '备注').click();
    await page.getByLabel('定金（元）').fill('');
    await page.getByLabel('定金抵多少').fill('');
    await page.getByLabel('尾款期限').fill('');
    await page.locator('dialog').getByRole('button', { name: '保存' }).click();
    await waitFor('no deposit', async () => (await box.must('GET', 'items/A001/note')).versions[0].note.deposit === undefined);
    await button(page, '订单').click();
    await text(page, '开播以后的订单').waitFor();
    await look(page, 'orders');
    await button(page, '平台').click();
    await text(page, '看看网络').waitFor();
    await look(page, 'platforms');
    await button(page, '现场').click();
  });

  test('goes on, back, to a row, and behind the slate', async () => {
    await page.getByRole('button', { name: '下一段', exact: true }).dblclick();
    await waitFor('the second', async () => (await live()).segments.find((each) => each.number === 2)?.segment === (await live()).on.segment);
    const isOn = (name) => page.locator('.rundown li.on', { hasText: name }).waitFor();
    await isOn('老坛');
    await page.keyboard.press('p');
    await waitFor('the first', async () => (await live()).on.item?.product === 'A001');
    await isOn('延边');
    await page.locator('.rundown li', { hasText: '休息' }).getByRole('button', { name: '切到' }).click();
    await waitFor('the break', async () => (await live()).on.kind === 'break');
    await page.keyboard.press('s');
    await text(page, '休息画面开着').waitFor();
    await look(page, 'slate');
    await page.keyboard.press('s');
    await page.getByText('休息画面开着').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await text(page, '快捷键').waitFor();
    await look(page, 'keys');
    await page.keyboard.press('Escape');
    await search().fill('n');
    assert.equal((await live()).on.kind, 'break', 'a letter in a field is no command');
    await search().press('Escape');
  });

  test('cuts with the camera that was touched, and an item goes in behind what is on', async () => {
    await page.getByLabel('淡入淡出').check();
    await page.locator('.cameras button', { hasText: '柜台' }).click();
    const { view } = await waitFor('the cut', async () => {
      const answer = await box.must('GET', 'programs/main/view');
      return answer.view.pictures ? answer : undefined;
    });
    assert.deepEqual(view, { pictures: [{ camera: 'counter' }], sounds: [{ microphone: 'host' }], fade_ms: 300 });
    await waitFor('its picture', () => page.evaluate(() => document.querySelector('.cameras img')?.naturalWidth === 320));
    await page.getByRole('button', { name: '画中画' }).click();
    await page.getByRole('button', { name: '并排' }).click();
    await page.locator('.cameras button', { hasText: '门口' }).click();
    const { shown } = await waitFor('the two', async () => {
      const answer = await box.must('GET', 'programs/main/view');
      return answer.shown.pictures[0]?.camera === 'door' ? answer : undefined;
    });
    assert.deepEqual(shown.pictures, [
      { camera: 'door', area: [0, 0, 320, 360] },
      { camera: 'counter', area: [320, 0, 320, 360] },
    ]);
    await button(page, /主播\s*开/).click();
    await text(page, '话筒全关了').waitFor();
    assert.deepEqual((await box.must('GET', 'programs/main/view')).shown.sounds, []);
    await button(page, /主播\s*已静音/).click();
    await page.getByText('话筒全关了').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: '画中画' }).click();
    await insert('b00009', '杂货 9 号');
    const plan = await waitFor('the item', async () => {
      const { show, on } = await live();
      const at = show.plan.rundown.findIndex((each) => each.id === on.segment);
      return show.plan.rundown[at + 1]?.item?.product === 'B00009';
    });
    assert.ok(plan);
  });

  test('tells the host, and puts layers up', async () => {
    await button(page, '再报一次价格').click();
    await page.getByLabel('写一句给主播').fill('尺码再说一遍');
    await page.getByLabel('写一句给主播').press('Enter');
    await waitFor('the cues', async () => (await live()).cues.length === 2);
    await text(page, '主播还没看').waitFor();
    await button(page, '收回').first().click();
    await waitFor('one', async () => (await live()).cues.length === 1);
    await page.getByLabel('写一句给主播').fill('写了一半');
    await layer(/红包抽奖/).click();
    await page.getByRole('button', { name: '上屏', exact: true }).click();
    await text(page, '“标题”要填').waitFor();
    await look(page, 'layer-wrong');
    await page.getByLabel('标题').fill('第 2 轮抽奖');
    await page.getByLabel('奖品').fill('延边苹果梨一箱');
    await page.getByRole('button', { name: '上屏', exact: true }).click();
    await text(page, '在屏上').waitFor();
    const { layers } = await box.must('GET', 'live/layers');
    assert.equal(layers[0].template, 'lottery');
    await look(page, 'on-air');
    await layer(/红包抽奖/).click();
    await waitFor('it to be off', async () => (await box.must('GET', 'live/layers')).layers.length === 0);
    await button(page, /撤销.*红包抽奖/).click();
    await text(page, '在屏上').waitFor();
    assert.equal((await box.must('GET', 'live/layers')).layers.length, 1);
    await layer(/红包抽奖/).click();
    await waitFor('it to be off', async () => (await box.must('GET', 'live/layers')).layers.length === 0);
    await layer(/营业执照/).click();
    await waitFor('its number', async () => (await page.getByLabel('证件号码').inputValue()) === '91222401MA0000000X');
    await page.getByRole('button', { name: '返回' }).click();
    await box.must('PUT', 'documents/report-1', {
      version: 0,
      document: { kind: 'inspection', holder: '延边质检中心', number: 'YB2026-118', valid_until: '2099-12-31' },
    });
    await layer(/合格证书/).click();
    await page.getByLabel('用店里的证照填').selectOption('report-1');
    assert.equal(await page.getByLabel('第二行').inputValue(), 'YB2026-118');
    await look(page, 'certificate');
    await page.getByRole('button', { name: '上屏', exact: true }).click();
    await text(page, '在屏上').waitFor();
    assert.deepEqual((await box.must('GET', 'live/layers')).layers[0].data, {
      title: '检测报告',
      lines: ['延边质检中心', 'YB2026-118', '有效期至 2099-12-31'],
    });
    await layer(/本场回顾/).click();
    await waitFor('the recap', async () => (await live()).on.kind === 'recap');
    await layer(/本场回顾/).click();
    await waitFor('what was next', async () => (await live()).on.item?.product === 'B00009');
    await page.reload();
    await layer(/红包抽奖/).waitFor();
    assert.equal(await page.getByLabel('写一句给主播').inputValue(), '写了一半');
  });

  test('is told at once that the desk is gone, and goes on when it is back', async () => {
    await box.end('desk', 'SIGKILL');
    await text(page, '断了').waitFor({ timeout: 2000 });
    await look(page, 'desk-down');
    await box.startDesk();
    await page.getByText('断了').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: '上一段', exact: true }).click();
    await page.waitForTimeout(2000);
    const withPicture = await idleLoad(page, 5);
    await button(page, '关掉画面').click();
    await text(page, '画面已关').waitFor();
    const load = await idleLoad(page, 5);
    console.log(`/operate, idle on air: ${load.toFixed(2)} % of a core on the page's thread, with its picture ${withPicture.toFixed(2)}`);
    assert.ok(load < 3, `${load} % of a core`);
  });

  test('is for operators', async () => {
    const other = await browser.page(`${box.url}/operate`);
    await other.getByRole('button', { name: '小美' }).click();
    await enterPin(other);
    await text(other, '不是给“店员”用的').waitFor();
    await look(other, 'not-allowed');
    await other.getByRole('link', { name: '开播台' }).click();
    await text(other, '直播中').waitFor();
    await other.context().close();
  });
});
