// SPDX-License-Identifier: Apache-2.0
'use strict';
// What every shop here sells, the same each time: 128 products in 236 variants, prices in fen, and 12 timed prices.
// SKUs are LS-0001-1 … LS-0128-n. Of the products, 4 are not listed, 4 are sold with a deposit; of the variants, some are sold out.
const zlib = require('zlib');

const categories = [
  { code: 'meizhuang', name: '美妆护肤', option: '规格', values: ['30ml', '50ml', '100ml'], nouns: ['玻尿酸精华液', '氨基酸洁面乳', '哑光口红', '修护面霜', '补水面膜', '防晒乳', '卸妆油', '眼部精华'] },
  { code: 'lingshi', name: '休闲零食', option: '口味', values: ['原味', '香辣', '蜂蜜'], nouns: ['每日坚果礼盒', '手撕牛肉干', '海苔卷', '芒果干', '夏威夷果', '肉松小贝', '鸭脖', '冻干草莓'] },
  { code: 'fushi', name: '服饰鞋包', option: '尺码', values: ['S', 'M', 'L', 'XL'], nouns: ['纯棉圆领T恤', '高腰阔腿裤', '羊毛针织衫', '轻薄羽绒服', '小白鞋', '帆布托特包', '亚麻衬衫', '百褶半身裙'] },
  { code: 'jiaju', name: '居家日用', option: '颜色', values: ['米白', '雾蓝', '墨绿'], nouns: ['乳胶枕', '不粘平底锅', '保温杯', '收纳箱', '香薰蜡烛', '四件套', '拖把套装', '硅藻泥地垫'] },
  { code: 'muying', name: '母婴用品', option: '段位', values: ['1段', '2段', '3段'], nouns: ['婴儿湿巾', '学步鞋', '儿童水杯', '防撞护角', '宝宝辅食碗', '绘本套装', '儿童雨衣', '纸尿裤'] },
  { code: 'shuma', name: '数码配件', option: '颜色', values: ['黑色', '白色'], nouns: ['蓝牙耳机', '快充充电器', '磁吸充电宝', '手机支架', '机械键盘', '降噪麦克风', '补光灯', '编织数据线'] },
  { code: 'shengxian', name: '生鲜水果', option: '重量', values: ['2.5kg', '5kg'], nouns: ['赣南脐橙', '丹东草莓', '阳山水蜜桃', '五常大米', '阳澄湖大闸蟹', '智利车厘子', '土鸡蛋', '云南小土豆'] },
  { code: 'wenju', name: '文具图书', option: '款式', values: ['标准版', '礼盒版'], nouns: ['中性笔套装', '手账本', '水彩颜料', '错题本', '书立', '毛笔字帖', '护眼台灯', '儿童百科全书'] },
];
const brands = ['云朵', '山野', '一禾', '青柠', '小满', '拾光', '栖木', '南巷'];

function makeRandom(seed) { // mulberry32: the same numbers on every machine
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function makeProducts() {
  const random = makeRandom(20260601), products = [];
  for (const category of categories) {
    for (let i = 0; i < 16; i++) {
      const n = products.length + 1, id = String(n).padStart(4, '0');
      const noun = category.nouns[i % category.nouns.length], brand = brands[(n * 5 + i) % brands.length];
      const base = 990 + Math.floor(random() * 300) * 100; // 9.90 to 308.90
      const count = 1 + Math.floor(random() * category.values.length);
      const isMarkedDown = random() < 0.4;
      const variants = [];
      for (let v = 0; v < count; v++) {
        const price = base + v * 1000;
        variants.push({
          sku: `LS-${id}-${v + 1}`, option: category.values[v], price,
          compareAt: isMarkedDown ? Math.round((price * (1.2 + random() * 0.4)) / 100) * 100 + 90 : null,
          stock: random() < 0.05 ? 0 : 5 + Math.floor(random() * 500),
          barcode: '69' + String(2026000000 + n * 10 + v).padStart(11, '0'),
        });
      }
      products.push({
        n, code: `p${id}`, slug: `item-${id}`, category: category.code, optionName: category.option, variants,
        name: `${brand}${noun}${i >= category.nouns.length ? ' 升级款' : ''}`,
        description: `【直播专享】${brand}${noun},${category.name}类目测试商品,编号 ${id}。支持七天无理由退换。`,
        isListed: n % 31 !== 0, isPresale: n % 40 === 7,
      });
    }
  }
  return products;
}

// Four run, four are to come, four are over. The windows are years, so that a copy made long ago still says the same.
function makeTimedPrices(products) {
  const windows = [['2025-01-01', '2035-01-01'], ['2035-01-01', '2036-01-01'], ['2024-01-01', '2025-01-01']];
  return Array.from({ length: 12 }, (_, i) => {
    const product = products[5 + i * 9], [start, end] = windows[i % 3];
    return {
      code: `live-${String(i + 1).padStart(2, '0')}`, name: `直播间限时价 ${i + 1}`,
      startsAt: `${start}T00:00:00.000Z`, endsAt: `${end}T00:00:00.000Z`,
      prices: product.variants.map(v => ({ sku: v.sku, price: Math.max(100, Math.floor((v.price * 0.7) / 10) * 10) })),
    };
  });
}

// A photo of 240 × 240: two colours in squares, different for each n.
function makePng(n) {
  const size = 240, random = makeRandom(n * 7919), cell = 20 + (n % 5) * 10;
  const colours = Array.from({ length: 6 }, () => 40 + Math.floor(random() * 200));
  const rows = Buffer.alloc((size * 3 + 1) * size);
  for (let y = 0; y < size; y++) {
    let at = y * (size * 3 + 1) + 1;
    for (let x = 0; x < size; x++) {
      const first = ((Math.floor(x / cell) + Math.floor(y / cell)) & 1) * 3;
      for (let k = 0; k < 3; k++) rows[at++] = Math.min(255, colours[first + k] + Math.floor((y * 40) / size));
    }
  }
  const chunk = (type, data) => {
    const out = Buffer.alloc(12 + data.length);
    out.writeUInt32BE(data.length, 0); out.write(type, 4, 'latin1'); data.copy(out, 8);
    out.writeUInt32BE(zlib.crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0); head.writeUInt32BE(size, 4); head[8] = 8; head[9] = 2; // 8 bits, RGB
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

module.exports = { categories, makeProducts, makeTimedPrices, makePng };
