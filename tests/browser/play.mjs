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
    await sleep(50);
  }
}

const sleep = (millis) => new Promise((resolve) => { setTimeout(resolve, millis); });
const statsOf = (page) => page.evaluate(() => window.graticule.stats());

async function hold(page, key, millis) {
  await page.keyboard.down(key);
  await sleep(millis);
  await page.keyboard.up(key);
}

/** Milliseconds from the press of a key to the first picture in which the own body, which stands, is elsewhere. */
async function reaction(page, key) {
  await page.evaluate(() => {
    const drawn = () => ({ ...window.graticule.stats().drawn });
    window.reaction = new Promise((resolve) => {
      window.addEventListener('keydown', ({ timeStamp }) => {
        const from = drawn();
        const look = () => {
          const to = drawn();
          const after = performance.now() - timeStamp;
          if (Math.hypot(to.x - from.x, to.y - from.y) > 0.5 || after > 1000) resolve(after);
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }, { capture: true, once: true });
    });
  });
  await hold(page, key, 400);
  const millis = await page.evaluate(() => window.reaction);
  // Until it stands again.
  await sleep(700);
  return millis;
}

/** Walks in squares; returns quantiles of the corrections in the meantime, in cm. */
async function walkAbout(page, millis) {
  const start = await page.evaluate(() => performance.now());
  for (let turn = 0; turn * 1000 < millis; turn += 1) await hold(page, 'dsaw'[turn % 4], 1000);
  const corrections = (await statsOf(page)).corrections.filter(({ at }) => at >= start).map(({ cm }) => cm);
  corrections.sort((a, b) => a - b);
  demand(corrections.length > millis / 200, `${corrections.length} snapshots in ${millis} ms`);
  const quantile = (share) => corrections[Math.min(corrections.length - 1, Math.floor(corrections.length * share))];
  return { p50: quantile(0.5), p95: quantile(0.95), max: quantile(1) };
}

const told = ({ p50, p95, max }) => `p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, max ${max.toFixed(1)} cm`;

/** A bad network is felt neither in one's own steps nor in where they lead. */
async function playOverBadNetwork(page) {
  const near = await walkAbout(page, 5000);
  await page.click('#network label:has-text("150 ms, 2 %")');
  await until('a ping as of the network', async () => (await statsOf(page)).pingMs > 120);
  await sleep(3000);
  const reactions = [];
  for (const key of 'dsaw') reactions.push(await reaction(page, key));
  reactions.sort((a, b) => a - b);
  // A machine that is busy with something else may drop a picture.
  demand(reactions[2] <= 50, `moves within ${reactions.map((millis) => millis.toFixed(0))} ms of a key`);
  const far = await walkAbout(page, 5000);
  demand(far.p95 < 25, `corrections: ${told(far)}`);
  const { errors } = await statsOf(page);
  demand(errors === 0, `${errors} errors: ${await page.textContent('#log')}`);
  await page.click('#network label:has-text("Off")');
  await until('a ping without the network', async () => (await statsOf(page)).pingMs < 100);
  const keys = reactions.map((millis) => millis.toFixed(0));
  return `corrections ${told(near)}; at 150 ms, 2 % ${told(far)}, moves ${keys} ms after a key`;
}

async function play(page) {
  let joins = 0;
  page.on('request', (request) => { joins += Number(request.method() === 'POST' && request.url().endsWith('/join')); });
  const stats = () => statsOf(page);
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
  const network = await playOverBadNetwork(page);
  if (screenshot) {
    // Out of the crowd at the start, to where the monsters are.
    await hold(page, 'd', 6500);
    await page.screenshot({ path: screenshot });
  }
  await page.click('#leave');
  await until('left', async () => page.isVisible('#play'));
  return `walked ${walked.toFixed(1)} m, ${after.entities} in view, ping ${after.pingMs.toFixed(1)} ms, ${after.bytesInPerSecond} B/s; ${network}`;
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
  const report = await (edgeDown ? playWithoutEdge(page) : play(page));
  demand(faults.length === 0, faults.join('\n'));
  console.log(report);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
