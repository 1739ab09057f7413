// SPDX-License-Identifier: Apache-2.0
// /setup, as a technician meets it.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Box, drawPear, waitFor } from './box.mjs';
import { Browser, button, enterPin, idleLoad, kNearSizes, kPin, logIn, look as lookAt, text } from './browser.mjs';

const look = (page, name) => lookAt(page, `setup-${name}`, kNearSizes);
/// What is no other on a larger screen.
const lookAtTwo = (page, name) =>
  lookAt(page, `setup-${name}`, { tablet: kNearSizes.tablet, phone: kNearSizes.phone });
/// What this machine does to its clock, and a busy one to its cameras, is not the page's doing.
const calm = (status) => {
  const { studio } = status;
  if (!studio?.cameras) return status;
  const steady = ({ cause, cause_code, ...source }) => ({ ...source, state: 'live', restarts: 0, warnings: [] });
  return {
    ...status,
    studio: {
      ...studio,
      cameras: studio.cameras.map((each) => ({ ...steady(each), size: [1920, 1080], fps: 30, format: 'raw 1920×1080' })),
      microphones: studio.microphones.map(steady),
      programs: studio.programs.map((each) => ({ ...each, picture: { camera: 'counter', slate: false } })),
      problems: studio.problems.filter((each) => each.startsWith('destination')),
    },
  };
};
const onACalmMachine = async (target) => {
  await target.route('**/api/v1/status', async (route) => {
    const answer = await route.fetch().catch(() => undefined);
    if (!answer) return route.abort(); // the desk was killed
    await (answer.ok() ? route.fulfill({ response: answer, json: calm(await answer.json()) }) : route.fulfill({ response: answer }));
  });
  await target.routeWebSocket('**/api/v1/events', (socket) => {
    socket.connectToServer().onMessage((message) => {
      const event = JSON.parse(message);
      socket.send(event.type === 'status' ? JSON.stringify({ ...event, status: calm(event.status) }) : message);
    });
  });
  await target.route('**/api/v1/**/preflight', async (route) => {
    const answer = await route.fetch().catch(() => undefined);
    if (!answer) return route.abort();
    if (!answer.ok()) return route.fulfill({ response: answer });
    const json = await answer.json();
    const clock = { zh: '时间已校准', en: 'the clock is synchronised' };
    json.points = json.points.map((point) => (point.id === 'clock' ? { ...point, level: 'green', reason: clock, remedy: undefined } : point));
    return route.fulfill({ response: answer, json });
  });
};
const open = async (url) => {
  const page = await browser.page('about:blank');
  await onACalmMachine(page.context());
  await page.goto(url);
  return page;
};
const part = (page, name) => page.getByRole('region', { name, exact: true });
const dialog = (page) => page.getByRole('dialog');
const go = async (page, section, heading) => {
  await page.evaluate((hash) => (location.hash = hash), section);
  await page.getByRole('heading', { level: 2, name: heading }).waitFor();
};

let browser;
before(async () => {
  browser = await Browser.open();
});
after(() => browser?.close());

describe('a box with a platform that is away', () => {
  let box;
  let page;
  before(async () => {
    box = await Box.start();
    await box.addAccount('laoli', '老李', 'technician', kPin);
    await box.addAccount('xiaomei', '小美', 'assistant', kPin);
    page = await open(`${box.url}/setup`);
    await logIn(page, '老李');
    await page.getByRole('heading', { level: 2, name: '现在的情况' }).waitFor();
  });
  // One test that fails leaves nothing behind for the next.
  afterEach(async () => {
    await box?.ask('POST', 'live/stop', {}).catch(() => undefined);
    for (let open = 0; page && open < 3 && (await page.locator('dialog[open]').count()) > 0; ++open) await page.reload();
  });
  after(async () => {
    await page?.context().close();
    await box?.stop();
  });

  test('an assistant is told that it is not for him, and by the desk too', async () => {
    const other = await browser.page(`${box.url}/setup#users`);
    await logIn(other, '小美');
    await text(other, '这一页不是给“店员”用的').waitFor();
    assert.equal(await other.getByText('新建账号').count(), 0);
    await lookAtTwo(other, 'not-allowed');
    assert.equal(await other.evaluate(() => fetch('/api/v1/audit').then((answer) => answer.status)), 403);
    await other.context().close();
  });

  test('it is small, and says what is wrong before a show', async () => {
    const names = await page.evaluate(() =>
      performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname),
    );
    const sizes = names
      .filter((name) => name.startsWith('/assets/'))
      .map((name) => gzipSync(readFileSync(path.join(process.env.VITRINE_PAGES, name))).length);
    const kilobytes = sizes.reduce((sum, each) => sum + each, 0) / 1000;
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    console.log(`setup: first paint after ${paint?.toFixed(0)} ms, ${kilobytes.toFixed(1)} kB gzip`);
    assert.ok(kilobytes < 150);
    await text(page, '能用').waitFor();
    await text(page, '本场没有选择营业执照').waitFor();
    await text(page, '0.1.0').waitFor();
    for (const words of ['能用，有 2 处', '镜头 1/1 正常', '麦克风 1/1 正常', '时间已校准', '硬盘还能录', '商品刚刚读过'])
      await text(page, words).waitFor();
    await look(page, 'overview');
    const load = await idleLoad(page, 4);
    console.log(`setup: idle, ${load.toFixed(2)} % of a core on the page's thread`);
    assert.ok(load < 3);
  });

  test('on air it names the platform that is away, what to do, and what the box said', async () => {
    await box.must('POST', 'live/start', {});
    await text(page, '“快手”断开了，正在重连').waitFor();
    await text(page, '看外网和推流地址').waitFor();
    await text(page, 'does not take connections').waitFor();
    await look(page, 'overview-on-air');
    await page.getByRole('link', { name: '去看节目和平台' }).first().click();
    await page.getByRole('heading', { level: 2, name: '节目和平台' }).waitFor();
    await waitFor('the platform', async () =>
      (await box.must('GET', 'status')).studio.programs[0].destinations.some((each) => each.state === 'live'),
    );
    await text(page, '已连到').waitFor();
    await lookAtTwo(page, 'outputs-on-air');
    await go(page, 'cameras', '镜头和麦克风');
    await text(page, '测试信号，不是真的设备').waitFor();
    await text(page, '节目里正在用').waitFor();
    // Its picture, or in words why there is none.
    await waitFor('the picture or why not', () =>
      page.evaluate(() => {
        const picture = document.querySelector('.picture');
        return picture?.querySelector('img')?.complete || /给不出|没有取到/.test(picture?.textContent ?? '');
      }),
    );
    await look(page, 'cameras');
    await box.must('POST', 'live/stop', {});
    await go(page, 'outputs', '节目和平台');
    await text(page, '快手：就绪').waitFor();
    await text(page, '有密钥').waitFor();
    await page.getByText('已连到').waitFor({ state: 'detached' }); // it has taken its leave
    await page.getByText('编码', { exact: true }).waitFor({ state: 'detached' });
    await lookAtTwo(page, 'outputs');
  });

  test('whatever a box can say has its sentence and what to do', async () => {
    const broken = (whole) => {
      const status = calm(whole);
      const { studio } = status;
      if (!studio?.cameras) return status;
      const [camera] = studio.cameras;
      const [program] = studio.programs;
      studio.cameras = [
        { ...camera, warnings: ['frozen'] },
        { ...camera, id: 'window', name: '橱窗', source: 'rtsp://10.0.0.7:554/ch1', state: 'waiting', restarts: 29, cause_code: 'auth_rejected', cause: 'camera rtsp://10.0.0.7:554/ch1 refused the user or password' },
        { ...camera, id: 'hand', name: '手机位', source: 'v4l2:serial=9A21F0', state: 'absent' },
        { ...camera, id: 'new', name: '新机位', state: 'no_signal', cause_code: 'of_tomorrow', cause: 'a cause that this page does not know' },
      ];
      studio.microphones = [{ ...studio.microphones[0], level_db: -90, warnings: ['silent'] }];
      studio.programs = [
        {
          ...program,
          state: 'failed',
          cause_code: 'encode_failed',
          recording: { state: 'failing', hours_left: 0, cause_code: 'disk_full', cause: 'No space left on device' },
          destinations: [
            { id: 'here', name: '抖音', platform: 'douyin', state: 'left out', cause: 'douyin-key: others may read this secret (mode 0644)' },
            { id: 'away', name: '快手', platform: 'kuaishou', state: 'reconnecting', cause_code: 'auth_rejected', cause: 'refused the stream key' },
          ],
        },
      ];
      studio.problems = ['camera counter looks wrong: frozen', '3 as-run records could not be written; look at the disk'];
      return { ...status, shop: { ...status.shop, is_reachable: false }, problems: ["the shop can't be read: timeout; tried again in 4 s"] };
    };
    const context = page.context();
    const other = await context.newPage();
    other.complaints = [];
    await other.route('**/api/v1/status', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: broken(await answer.json()) });
    });
    await other.routeWebSocket('**/api/v1/events', (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => {
        const event = JSON.parse(message);
        socket.send(JSON.stringify(event.type === 'status' ? { ...event, status: broken(event.status) } : event));
      });
    });
    await other.goto(`${box.url}/setup`);
    for (const words of [
      '镜头“橱窗”没有画面：它不认用户名或密码',
      '每分钟只试一次',
      '镜头“手机位”没有画面：没有插好',
      '镜头“新机位”没有画面：原因见下面的原话',
      'a cause that this page does not know',
      '“柜台”：画面不动了',
      '“主播”：没有声音',
      '节目 main 应该在播，但没有播出去：编码器出错',
      '录像没有录上：硬盘满了',
      '“抖音”没有推流：密钥读不到',
      '“快手”断开了，正在重连：平台不认推流密钥',
      '连不上店铺后台',
      '3 as-run records could not be written',
    ])
      await text(other, words).waitFor();
    // Each once: the box's own sentence stands with what it is about.
    assert.equal(await other.getByText('looks wrong: frozen').count(), 1);
    assert.equal(await other.getByText("the shop can't be read").count(), 1);
    await look(other, 'overview-broken');
    await go(other, 'cameras', '镜头和麦克风');
    await text(other, 'USB：序列号 9A21F0').waitFor();
    await lookAtTwo(other, 'cameras-broken');
    await go(other, 'outputs', '节目和平台');
    await lookAtTwo(other, 'outputs-broken');
    await other.close();
  });

  test('a stream key goes in, and nothing tells it again', async () => {
    await go(page, 'outputs', '节目和平台');
    await button(page, '换密钥：快手').click();
    const form = dialog(page);
    await form.getByLabel('推流密钥').fill('rtmp://push.example/live/secret-9d41');
    await button(form, '用这个密钥').click();
    await text(form, '不要 rtmp:// 开头的地址').waitFor();
    await lookAtTwo(page, 'key-refused');
    await form.getByLabel('推流密钥').fill(' secret-9d41 \n');
    await button(form, '用这个密钥').click();
    await text(page, '快手 的密钥换好了').waitFor();
    await button(page, '关闭').click();
    assert.equal(readFileSync(path.join(box.dir, 'away-key'), 'utf8').trim(), 'secret-9d41');
    assert.equal((await page.content()).includes('secret-9d41'), false);
    await button(page, '换密钥：快手').click();
    assert.equal(await form.getByLabel('推流密钥').inputValue(), '');
    await page.keyboard.press('Escape');
    assert.equal(box.logs().includes('secret-9d41'), false);
  });

  test('the evidence of it is checked and exported', async () => {
    await go(page, 'evidence', '留档');
    await button(page, '核对全部').click();
    await text(page, '没有人改过').waitFor();
    await lookAtTwo(page, 'evidence');
    await button(page, /^导出 .* 这一场$/).click();
    await lookAtTwo(page, 'evidence-export');
    await dialog(page).getByLabel('连录像一起').uncheck();
    await button(dialog(page), '导出').click();
    await text(page, '导出好了').waitFor();
    await text(page, '/evidence/exports/').waitFor();
    await lookAtTwo(page, 'evidence-exported');
    await dialog(page).getByRole('button', { name: '关闭' }).click();
  });

  test('accounts are made, changed and removed, and nobody locks himself out', async () => {
    await go(page, 'users', '账号和配对');
    // The only technician stays one.
    assert.equal(await button(page, '删除 老李').isDisabled(), true);
    await button(page, '修改 老李').click();
    assert.equal(await dialog(page).getByLabel('角色').isDisabled(), true);
    await page.keyboard.press('Escape');

    await button(page, '新建账号').click();
    const form = dialog(page);
    await form.getByLabel('称呼').fill('阿强');
    await form.getByLabel('账号', { exact: true }).fill('xiaomei');
    await form.getByLabel('密码', { exact: true }).fill('123456');
    await form.getByLabel('再输一次密码').fill('123456');
    await button(form, '建立账号').click();
    await text(form, '账号“xiaomei”已经有人用了').waitFor();
    await form.getByLabel('账号', { exact: true }).fill('a qiang');
    await button(form, '建立账号').click();
    await text(form, '这个密码太好猜').waitFor();
    await text(form, '这个账号不能用').waitFor();
    await lookAtTwo(page, 'users-refused');
    await form.getByLabel('账号', { exact: true }).fill('aqiang');
    await form.getByLabel('角色').selectOption('operator');
    await form.getByLabel('密码', { exact: true }).fill(kPin);
    await button(form, '建立账号').click();
    await text(form, '两次密码不一样').waitFor();
    await form.getByLabel('再输一次密码').fill(kPin);
    await button(form, '建立账号').click();
    await text(page, '已建立：阿强').waitFor();
    await button(page, '关闭').click();
    assert.equal((await box.must('GET', 'accounts')).accounts.find((each) => each.id === 'aqiang').role, 'operator');

    await button(page, '修改 阿强').click();
    await dialog(page).getByLabel('称呼').fill('阿强（晚班）');
    await dialog(page).getByLabel('角色').selectOption('technician');
    await button(dialog(page), '保存').click();
    await text(page, '已修改：阿强（晚班）').waitFor();
    await button(page, '关闭').click();
    await waitFor('the list with two technicians', () => button(page, '删除 老李').isEnabled());
    await look(page, 'users');

    // On a phone one line each, and the form has the rest.
    const { phone, tablet } = kNearSizes;
    await page.setViewportSize(phone);
    assert.equal(await button(page, '给 小美 换密码').count(), 0);
    await button(page, '修改 老李').click();
    assert.equal(await button(dialog(page), '删除').isEnabled(), true);
    await lookAt(page, 'setup-users-change', { phone });
    await button(dialog(page), '换密码').click();
    await text(dialog(page), '现在的密码').waitFor();
    await page.keyboard.press('Escape');
    await page.setViewportSize(tablet);

    await button(page, '给 小美 换密码').click();
    await dialog(page).getByLabel('新密码').fill('111111');
    await dialog(page).getByLabel('再输一次密码').fill('111111');
    await button(dialog(page), '换密码').click();
    await text(dialog(page), '这个密码太好猜').waitFor();
    await dialog(page).getByLabel('新密码').fill('628318');
    await dialog(page).getByLabel('再输一次密码').fill('628318');
    await button(dialog(page), '换密码').click();
    await text(page, '小美 的密码换好了').waitFor();
    await button(page, '关闭').click();

    await button(page, '给 老李 换密码').click();
    await dialog(page).getByLabel('现在的密码').fill('999999');
    await dialog(page).getByLabel('新密码').fill('628318');
    await dialog(page).getByLabel('再输一次密码').fill('628318');
    await button(dialog(page), '换密码').click();
    await text(dialog(page), '现在的密码不对').waitFor();
    await page.keyboard.press('Escape');

    await button(page, '删除 阿强（晚班）').click();
    await text(page, '删除“阿强（晚班）”？').waitFor();
    await lookAtTwo(page, 'users-remove');
    await button(page, '不动它').click();
    assert.equal((await box.must('GET', 'accounts')).accounts.length, 3);
    await button(page, '删除 阿强（晚班）').click();
    await button(page, '删除账号').click();
    await text(page, '已删除：阿强（晚班）').waitFor();
    await button(page, '关闭').click();
    assert.equal((await box.must('GET', 'accounts')).accounts.length, 2);
  });

  test('the guard holds where two technicians act at once', async () => {
    await box.addAccount('ajie', '阿杰', 'technician', kPin);
    await page.reload();
    await button(page, '删除 老李').waitFor();
    await box.must('DELETE', 'accounts/ajie'); // this page does not know yet
    await button(page, '修改 老李').click();
    await dialog(page).getByLabel('角色').selectOption('host');
    await button(dialog(page), '保存').click();
    await text(dialog(page), '没有权限').waitFor();
    await text(dialog(page), 'last technician').waitFor();
    await page.keyboard.press('Escape');
  });

  test('a pairing code is large on the box’s screen, and survives a reload', async () => {
    await go(page, 'users', '账号和配对');
    await part(page, '用他自己的手机或电脑').getByLabel('他的角色').selectOption('operator');
    await button(page, '生成配对码').click();
    const { code } = await waitFor('the code', async () => {
      const pairing = await box.must('GET', 'pairing');
      return pairing.code && pairing;
    });
    await text(page, `${code.slice(0, 4)} ${code.slice(4)}`).waitFor();
    await text(page, '可以建一个“场控”账号').waitFor();
    await lookAtTwo(page, 'pairing');
    await page.reload();
    await text(page, `${code.slice(0, 4)} ${code.slice(4)}`).waitFor();
  });

  test('sessions are ended, a token is shown once', async () => {
    const other = await browser.page(`${box.url}/kiosk`);
    await button(other, '小美').click();
    await enterPin(other, '628318');
    await button(other, '开始直播').waitFor();
    await go(page, 'access', '登录和令牌');
    await button(page, '结束 小美 的登录').first().click();
    await button(page, '结束登录').click();
    await text(page, '已结束：小美').waitFor();
    await button(page, '关闭').click();

    await button(page, '新建令牌').click();
    await dialog(page).getByLabel('给谁用').fill('收银机');
    await dialog(page).getByLabel('有效天数').fill('1000');
    await button(dialog(page), '建立令牌').click();
    await text(dialog(page), '有效天数要是 1 到 366').waitFor();
    await dialog(page).getByLabel('有效天数').fill('10');
    await lookAtTwo(page, 'token-make');
    await button(dialog(page), '建立令牌').click();
    await text(page, '只显示这一次').waitFor();
    const token = await dialog(page).locator('code').textContent();
    assert.match(token, /^[\w-]{40,}$/);
    await page.keyboard.press('Escape');
    await text(page, '只显示这一次').waitFor(); // it is not lost by a wrong key
    await lookAtTwo(page, 'token-made');
    await button(page, '我已经抄好了').click();
    await text(page, '收银机').waitFor();
    await lookAtTwo(page, 'access');
    await page.reload();
    await text(page, '收银机').waitFor();
    assert.equal((await page.content()).includes(token), false);
    assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage })).then((all) => all.includes(token)), false);
    const asToken = () =>
      fetch(`${box.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } }).then((answer) => answer.status);
    assert.equal(await asToken(), 200);
    await button(page, '作废 收银机').click();
    await dialog(page).getByRole('button', { name: '作废', exact: true }).click();
    await text(page, '已作废：收银机').waitFor();
    await button(page, '关闭').click();
    assert.equal(await asToken(), 401);
    await text(page, '现在只有本机自己的屏幕').waitFor();
    await other.context().close();
  });

  test('papers: what is over is said first, and the payee must hold the licence', async () => {
    const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    await box.must('PUT', 'documents/food', {
      document: { kind: 'food_licence', holder: '老李生鲜（杭州）有限公司', number: 'JY13301020098765', valid_until: inDays(12) },
      version: 0,
    });
    await box.must('PUT', 'documents/report', {
      document: { kind: 'inspection', holder: '老李生鲜（杭州）有限公司', valid_until: inDays(-3) },
      version: 0,
    });
    await go(page, 'papers', '证照和收款');
    await text(page, '还有 1').waitFor();
    await text(page, '已过期').waitFor();
    await button(page, '录入证照').click();
    const form = dialog(page);
    await form.getByLabel('代号').fill('licence 2026');
    await form.getByLabel('持有人').fill('老李生鲜（杭州）有限公司');
    await form.getByLabel('生效日').fill('2026年5月1日');
    await form.getByLabel('到期日').fill('2027-02-30');
    await button(form, '保存').click();
    await text(form, '日期不对').waitFor();
    await form.getByLabel('到期日').fill('2025/5/1');
    await button(form, '保存').click();
    await text(form, '到期日不能早于生效日').waitFor();
    assert.equal(await form.getByLabel('到期日').inputValue(), '2025-05-01');
    await form.getByLabel('到期日').fill('');
    await button(form, '保存').click();
    await text(form, '代号只能用字母').waitFor();
    // A reload in the middle loses nothing that was typed.
    await page.reload();
    await button(page, '录入证照').click();
    assert.equal(await form.getByLabel('持有人').inputValue(), '老李生鲜（杭州）有限公司');
    await form.getByLabel('代号').fill('licence');
    const noPicture = path.join(box.dir, 'no-picture.png');
    writeFileSync(noPicture, 'this is text');
    await form.locator('input[type=file]').setInputFiles(noPicture);
    await button(form, '保存').click();
    await text(form, /图片|未被接受/).waitFor();
    await lookAtTwo(page, 'document-refused');
    drawPear(path.join(box.dir, 'papers'));
    await form.locator('input[type=file]').setInputFiles(path.join(box.dir, 'papers', 'A001.png'));
    await button(form, '保存').click();
    await text(page, '已保存：营业执照').waitFor();
    await button(page, '关闭').click();
    await button(page, '录入证照').click();
    assert.equal(await form.getByLabel('持有人').inputValue(), ''); // what was sent is no draft any more
    await page.keyboard.press('Escape');

    await button(page, '录入收款账户').click();
    await form.getByLabel('户名').fill('王小花');
    await form.getByLabel('账号（打码）').fill('6222021234561234');
    await form.getByLabel('代号').fill('bank');
    await text(form, '户名和执照持有人不一样').waitFor();
    await button(form, '保存').click();
    await text(form, '不要写完整账号').waitFor();
    await lookAtTwo(page, 'payee-refused');
    await form.getByLabel('账号（打码）').fill('6222 **** **** 1234');
    await button(form, '保存').click();
    await text(page, '不是同一家公司').waitFor();
    await button(page, '关闭').click();
    await look(page, 'papers');
    await button(page, '换新版本：王小花').click();
    // Somebody else is quicker.
    await box.must('PUT', 'payees/bank', {
      payee: { name: '王小花', account: 'alipay', masked_number: 'wang**@example.cn', licence_holder: '老李生鲜（杭州）有限公司' },
      version: 1,
    });
    await form.getByLabel('户名').fill('老李生鲜（杭州）有限公司');
    await button(form, '保存').click();
    await text(form, '别人刚刚改过').waitFor();
    await button(form, '取消').click();
    await button(page, '换新版本：王小花').click();
    assert.equal(await form.getByLabel('账号（打码）').inputValue(), 'wang**@example.cn');
    await form.getByLabel('户名').fill('老李生鲜（杭州）有限公司');
    await button(form, '保存').click();
    await text(page, '和营业执照是同一家公司').waitFor();
    await button(page, '关闭').click();
    await button(page, '历次版本（3）').click();
    await text(page, '第 3 版').waitFor();
    await lookAtTwo(page, 'versions');
    await page.keyboard.press('Escape');
  });

  test('a table is looked at first, then brought in, with its photos', async () => {
    await go(page, 'shop', '店铺');
    await text(page, '商品就存在本机').waitFor();
    const [tables, photos] = [page.locator('input[type=file]').nth(0), page.locator('input[type=file]').nth(1)];
    const file = (name, content) => {
      const at = path.join(box.dir, name);
      writeFileSync(at, content);
      return at;
    };
    await tables.setInputFiles(file('items.xlsx', 'PK'));
    await text(page, '这是 Excel 工作簿').waitFor();
    assert.equal(await button(page, '先看结果').isDisabled(), true);
    await tables.setInputFiles(file('wrong.csv', 'a,b\n1,2\n'));
    await button(page, '先看结果').click();
    await text(page, '表头要有 编号、商品名称、售价 三列').waitFor();
    await lookAtTwo(page, 'import-refused');
    const rows = ['A001,延边苹果梨 5 斤装,39.90,126,', 'A002,老坛山楂罐头,四十,5,', ',没有编号的,1.00,1,'];
    await tables.setInputFiles(file('items.csv', `编号,商品名称,售价,库存,图片,心情\n${rows.join('\n')}\n`));
    await photos.setInputFiles(path.join(box.dir, 'papers', 'A001.png'));
    await button(page, '先看结果').click();
    await text(page, '还没有导入').waitFor();
    await text(page, '第 3 行').waitFor();
    await text(page, '要写价格').waitFor();
    await text(page, '这些列不认识').waitFor();
    assert.equal((await box.must('GET', 'items')).total, 0);
    await lookAtTwo(page, 'import-seen');
    await button(page, '导入 1 件').click();
    await text(page, '已经导入').waitFor();
    await waitFor('the item', async () => (await box.must('GET', 'items')).total === 1);
    assert.equal(await page.getByText('张图片没有传上').count(), 0);
    await waitFor('the photo', async () => (await box.must('GET', 'items')).items[0].photo?.blob);
  });

  test('the log says who did what, and is filtered', async () => {
    await go(page, 'audit', '操作记录');
    await text(page, '导入商品表').waitFor();
    await page.getByLabel('查找').fill('老李 令牌');
    await text(page, '新建令牌').waitFor();
    assert.equal(await page.getByText('导入商品表').count(), 0);
    await page.getByLabel('查找').fill('');
    await page.getByLabel('结果').selectOption('not');
    await text(page, '内容不对').waitFor();
    await lookAtTwo(page, 'audit');
    await page.getByLabel('结果').selectOption('all');
    await go(page, 'logs', '日志');
    await text(page, '最近的日志').waitFor();
    await page.getByText('正在读取').first().waitFor({ state: 'detached' });
    await lookAtTwo(page, 'logs');
    await go(page, 'config', '配置文件');
    await text(page, 'sudo vitrinectl check').waitFor();
    await lookAtTwo(page, 'config');
  });

  test('the log stands there as the journal has it, the worst first to be seen', async () => {
    const other = await page.context().newPage();
    other.complaints = [];
    const line = (at, unit, priority, words) => ({ at, unit, priority, text: words });
    await other.route('**/api/v1/logs?*', (route) =>
      route.fulfill({
        json: {
          available: true,
          lines: [
            line('2026-11-22T18:02:01.120Z', 'vitrine-studio', 6, 'source: counter is live from v4l2:serial=9A21F0: MJPEG 1920×1080'),
            line('2026-11-22T18:02:09.500Z', 'vitrine-studio', 4, "publisher: destination 'douyin': refused the stream key [auth_rejected]; trying again in 5.0 s, for as long as it takes"),
            line('2026-11-22T18:03:11.008Z', 'vitrine-desk', 3, 'vitrine-desk.service: Main process exited, code=killed, status=9/KILL'),
          ],
        },
      }),
    );
    await other.goto(`${box.url}/setup#logs`);
    await text(other, 'code=killed').waitFor();
    assert.equal(await other.getByText('counter is live').count(), 0);
    await other.getByLabel('看哪些').selectOption('all');
    await text(other, 'counter is live').waitFor();
    await lookAtTwo(other, 'logs-lines');
    await other.getByLabel('查找').fill('stream key');
    await other.getByText('code=killed').waitFor({ state: 'detached' });
    await other.close();
  });

  test('a report is one file without any secret', async () => {
    await go(page, 'overview', '现在的情况');
    const saving = page.waitForEvent('download');
    await button(page, '下载诊断包').click();
    const saved = await saving;
    assert.match(saved.suggestedFilename(), /^vitrine-\d{8}T\d{6}Z\.json$/);
    const report = readFileSync(await saved.path(), 'utf8');
    assert.equal(JSON.parse(report).config.destinations[0].key_credential, 'here-key');
    assert.equal(JSON.parse(report).status.name, '老李生鲜 人民路店');
    assert.equal(report.includes('user:password'), false);
    await text(page, '不含任何密钥').waitFor();
    await button(page, '关闭').click();
  });

  test('a platform is tested before a show, and not during it', async () => {
    const isOver = async () => (await box.must('GET', 'status')).studio.programs[0].state === 'off air';
    await waitFor('the end of the last show', isOver);
    await go(page, 'outputs', '节目和平台');
    await button(page, '测试推流：抖音').click();
    await text(page, '正在连平台').waitFor();
    assert.equal(await button(page, '测试推流：快手').isDisabled(), true);
    await text(page, '测试通过').waitFor();
    await button(page, '测试推流：快手').click();
    await text(page, '停在“连服务器”').waitFor();
    await text(page, '上没有服务器在接').waitFor();
    await text(page, '看外网和防火墙').waitFor();
    await text(page, 'does not take connections').waitFor();
    await lookAtTwo(page, 'destination-tested');
    await box.must('POST', 'live/start', {});
    await text(page, '下播以后再测').waitFor();
    assert.equal(await button(page, '测试推流：抖音').isDisabled(), true);
    assert.equal((await box.ask('POST', 'destinations/here/try')).status, 409);
    const { entries } = await box.must('GET', 'audit');
    assert.equal(entries.filter((each) => each.route.endsWith('/destinations/{destination}/try')).length, 3);
    await box.must('POST', 'live/stop', {});
    await waitFor('the end of this one', isOver);
  });

  test('a desk that is killed is said at once and comes back by itself, where one was', async () => {
    await go(page, 'access', '登录和令牌');
    for (const words of ['本机的屏幕', '没有令牌', '现在只有本机自己的屏幕']) await text(page, words).waitFor();
    await box.end('desk', 'SIGKILL');
    await text(page, '连不上本机').waitFor({ timeout: 2000 });
    await lookAtTwo(page, 'desk-down');
    await box.startDesk();
    await page.getByText('连不上本机').first().waitFor({ state: 'detached' });
    await text(page, '谁登录着').waitFor();
    await go(page, 'overview', '现在的情况');
    await box.end('studio', 'SIGKILL');
    await text(page, '直播引擎没有响应').waitFor();
    await text(page, 'systemctl status vitrine-studio').waitFor();
    await lookAtTwo(page, 'studio-down');
    box.startStudio();
    await page.getByText('systemctl status vitrine-studio').first().waitFor({ state: 'detached' });
  });

  test('in English and in the light', async () => {
    await button(page, '老李，账号菜单').click();
    await button(page, 'English').click();
    await button(page, 'Light').click();
    await button(page, 'Close').click();
    await page.getByRole('heading', { level: 2, name: 'How it is now' }).waitFor();
    // The studio was just started again.
    for (const words of ['It works; 2 things', 'Cameras: 1 of 1 good', 'Microphones: 1 of 1 good', 'The disk has room'])
      await text(page, words).waitFor();
    await lookAtTwo(page, 'overview-english-light');
    await go(page, 'users', 'Accounts and pairing');
    await lookAtTwo(page, 'users-english-light');
  });
});

describe('a box whose shop is not reached', () => {
  test('says so, and what to look at', async () => {
    const box = await Box.start({
      destinations: false,
      commerce: 'backend = "vendure"\nurl = "http://127.0.0.1:9"\ncredential = "shop-secret"',
    });
    try {
      await box.addAccount('laoli', '老李', 'technician', kPin);
      const page = await open(`${box.url}/setup`);
      await logIn(page, '老李');
      for (const words of ['连不上店铺后台', '有 1 处出了问题', '镜头 1/1 正常', '麦克风 1/1 正常', '时间已校准', '硬盘还能录'])
        await text(page, words).waitFor();
      await lookAtTwo(page, 'overview-shop-down');
      await go(page, 'shop', '店铺');
      await button(page, '测试连接并全部重读').click();
      await text(page, '没有连上，会一直自动重试').waitFor();
      await lookAtTwo(page, 'shop-down');
      await page.context().close();
    } finally {
      await box.stop();
    }
  });
});
