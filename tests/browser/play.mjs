// Plays on the page in a real browser: node play.mjs PAGE_URL [SCREENSHOT] [--edge-down]

import { chromium } from 'playwright-core';

const [url, screenshot] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const edgeDown = process.argv.includes('--edge-down');
const ARGUMENTS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-quic',
];

function demand(condition, text) {
  if (!condition) throw new Error(text);
}

async function until(what, check, millis = 15000) {
  const end = Date.now() + millis;
  for (;;) {
    const value = await check();
    if (value) return value;
    demand(Date.now() < end, `not within ${millis} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

async function hold(page, key, millis) {
  await page.keyboard.down(key);
  await new Promise((resolve) => { setTimeout(resolve, millis); });
  await page.keyboard.up(key);
}

async function play(page) {
  let joins = 0;
  page.on('request', (request) => { joins += Number(request.method() === 'POST' && request.url().endsWith('/join')); });
  const stats = () => page.evaluate(() => window.graticule.stats());
  await page.selectOption('#zone', 'forest');
  await page.click('#play');
  await until('connected', async () => (await stats()).connected);
  const first = await stats();
  await until('ten more snapshots', async () => (await stats()).snapshots >= first.snapshots + 10);

  // An obstacle may stand in the way to one side, not to all of them.
  let walked = 0;
  for (const key of ['d', 's', 'a', 'w']) {
    const from = await stats();
    await hold(page, key, 1500);
    const to = await stats();
    walked = Math.max(walked, Math.hypot(to.x - from.x, to.y - from.y) / 256);
  }
  demand(walked > 5 && walked < 15, `walked ${walked} m in 1.5 s at 6 m/s`);

  await page.mouse.move(900, 300);
  await page.keyboard.press('e');
  await page.keyboard.press('Space');
  await until('something in view', async () => (await stats()).entities > 0);
  await until('a ping', async () => (await stats()).pingMs !== null);
  const shown = await page.textContent('#hud');
  demand(/\d+ ms/.test(shown) && /[1-9]\d* B\/s/.test(shown), `ping and bytes are shown: ${shown}`);

  const before = await stats();
  await page.evaluate(() => window.graticule.player.socket.close());
  await until('resumed', async () => { const now = await stats(); return now.connected && now.snapshots > before.snapshots + 5; });
  const after = await stats();
  demand(after.entity === before.entity, `resumed into entity ${after.entity} instead of ${before.entity}`);
  demand(joins === 1, `a broken connection is resumed, not joined anew: ${joins} joins`);
  if (screenshot) {
    // Out of the crowd at the start, to where the monsters are.
    await hold(page, 'd', 6500);
    await page.screenshot({ path: screenshot });
  }
  await page.click('#leave');
  await until('left', async () => page.isVisible('#play'));
  return `walked ${walked.toFixed(1)} m, ${after.entities} in view, ping ${after.pingMs.toFixed(1)} ms, ${after.bytesInPerSecond} B/s`;
}

async function playWithoutEdge(page) {
  await page.route('**/v1/resolve', (route) => route.abort());
  await page.click('#play');
  await until('a message', async () => page.isVisible('#fault'));
  const text = await page.textContent('#fault');
  demand(/cannot be reached/.test(text), `the message is clear: ${text}`);
  demand(await page.isEnabled('#play'), 'it can be tried again');
  return `told: ${text}`;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ARGUMENTS });
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 760 } });
  const faults = [];
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  if (!edgeDown) {
    page.on('console', (message) => { if (message.type() === 'error') faults.push(`console: ${message.text()}`); });
    page.on('requestfailed', (request) => faults.push(`request failed: ${request.url()}`));
    page.on('response', (response) => { if (response.status() >= 400) faults.push(`${response.status()} from ${response.url()}`); });
  }
  await page.goto(url);
  const told = await (edgeDown ? playWithoutEdge(page) : play(page));
  demand(faults.length === 0, faults.join('\n'));
  console.log(told);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
