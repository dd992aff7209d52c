// The page's codec against the test vectors of PROTOCOL.md, which are read from there; its steps against the host's.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { HostClock } from '../../crates/graticule/web/clock.js';
import { DelayLine, NETWORKS, useNetwork } from '../../crates/graticule/web/link.js';
import { named } from '../../crates/graticule/web/messages.js';
import { lineOf } from '../../crates/graticule/web/notices.js';
import { atRest, intent, step } from '../../crates/graticule/web/movement.js';
import { Decoder, encode } from '../../crates/graticule/web/msgpack.js';
import { Predictor } from '../../crates/graticule/web/prediction.js';
import { Terrain, hash } from '../../crates/graticule/web/terrain.js';
import { View, heading } from '../../crates/graticule/web/view.js';

const protocol = readFileSync(new URL('../../crates/wire/PROTOCOL.md', import.meta.url), 'utf8');
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const bodies = [...protocol.matchAll(/^ {4}body (\d+): ([0-9a-f]+)$/gm)].map(([, , hex]) => bytesOf(hex));
const messages = [...protocol.matchAll(/^ {4}(\w+) \((.*)\): ([0-9a-f]+)$/gm)];
const BUILD = { radius: 102, speedMax: 1536, acceleration: 7680 };

test('snapshots of the description', () => {
  assert.equal(bodies.length, 4);
  const view = new View(30);
  const seen = bodies.map((body) => {
    const changes = view.apply(body);
    return { changes, header: view.header, state: [...view.slots.values()][0]?.state };
  });
  const own = { x: 25600, y: 51200, vx: 0, vy: 0, health: 90, healthMax: 110 };
  assert.deepEqual(seen.map(({ header }) => header), [
    { tick: 30, stampUs: 1999990, input: 10, lead: 1, own },
    { tick: 33, stampUs: 2099989, input: 11, lead: 1, own },
    { tick: 36, stampUs: 2199988, input: 12, lead: 1, own },
    { tick: 39, stampUs: 2299987, input: 13, lead: 1, own },
  ]);
  const [ada] = seen[0].changes.entered;
  assert.deepEqual([ada.id, ada.kind, ada.archetype, ada.level, ada.name], [300, 0, 2, 5, 'Ada']);
  assert.deepEqual(seen[0].state, { x: 3219, y: 6390, vx: 192, vy: 0, heading: 0, health: 100, action: 1 });
  assert.equal(seen[1].changes.updated, 0);
  assert.deepEqual([seen[1].state.x, seen[1].state.y], [3238, 6390]);
  assert.equal(seen[2].changes.updated, 1);
  assert.deepEqual(seen[2].state, { x: 3240, y: 6371, vx: 0, vy: -192, heading: 192, health: 87, action: 1 });
  assert.equal(seen[3].changes.left[0].id, 300);
  assert.deepEqual([view.slots.size, view.sequence], [0, 4]);
});

test('a body that goes on after its end, or out of order, is an error', () => {
  // A reader is up to four bytes ahead of what it needs.
  assert.throws(() => new View(30).apply(Uint8Array.from([...bodies[0], 1, 1, 1, 1, 1])), /follow the end/);
  assert.throws(() => new View(30).apply(Uint8Array.from([...bodies[0], ...bodies[2]])), /follow the end/);
  assert.throws(() => new View(30).apply(bodies[2]), RangeError);
});

/** Applies a body to a view that has seen `before`; how many ended well and how many with a RangeError. */
function applyRubbish(body, before, ends) {
  const view = new View(30);
  for (const known of before) view.apply(known);
  try {
    view.apply(body);
    ends.well += 1;
  } catch (error) {
    assert.ok(error instanceof RangeError, error.stack);
    ends.badly += 1;
  }
}

test('rubbish in a body is an error or a snapshot, and never a hang', () => {
  const ends = { well: 0, badly: 0 };
  const start = performance.now();
  for (const [index, body] of bodies.entries()) {
    for (let length = 0; length < body.length; length += 1) applyRubbish(body.subarray(0, length), bodies.slice(0, index), ends);
  }
  // A fixed sequence, so that a failure comes again.
  let seed = 1;
  const random = () => { seed = hash(seed, 3, 5); return seed; };
  for (let round = 0; round < 2000; round += 1) {
    const filling = [() => random() & 255, () => 0, () => 255, () => [0, 255, 1, 128][random() & 3]][round & 3];
    applyRubbish(Uint8Array.from({ length: random() % 200 }, filling), bodies.slice(0, round % 3), ends);
  }
  applyRubbish(new Uint8Array(60000), [], ends);
  applyRubbish(new Uint8Array(60000).fill(255), [], ends);
  assert.ok(ends.well > 0 && ends.badly > 0, JSON.stringify(ends));
  assert.ok(performance.now() - start < 5000, 'it takes a bounded time');
});

test('headings of the description', () => {
  const headings = [[0, 0], [1, 0], [5, 5], [0, 7], [-3, 3], [-9, 0], [-2, -2], [0, -1], [4, -4]].map(([x, y]) => heading(x, y));
  assert.deepEqual(headings, [0, 0, 8192, 16384, 24576, 32768, 40960, 49152, 57344]);
  assert.ok(Math.abs(heading(1000, 364) / 65536 - 20 / 360) < 0.001);
});

test('messages of the description', () => {
  assert.equal(messages.length, 14);
  for (const [, name, , hex] of messages) {
    const decoder = new Decoder(bytesOf(hex));
    const kind = decoder.value();
    const fields = decoder.value();
    assert.ok(decoder.done, name);
    assert.equal(kind < 5 || Object.keys(named(kind, fields)).length === fields.length, true, name);
    if (kind < 16) {
      const again = [];
      encode(again, kind);
      encode(again, fields);
      assert.deepEqual(Uint8Array.from(again), bytesOf(hex), name);
    }
  }
});

test('rubbish is an error, not a hang', () => {
  for (const bytes of [[0xc1], [0xdb, 255, 255, 255, 255], [0xdd, 255, 255, 255, 255], [0x91], [0xcf, 1], new Array(100).fill(0x91)]) {
    assert.throws(() => new Decoder(Uint8Array.from(bytes)).value(), RangeError);
  }
});

test('the terrain of the description', () => {
  const vectors = [...protocol.matchAll(/hash\((-?\d+), (-?\d+), (-?\d+)\) (?:is )?0x([0-9a-f]{8})/g)];
  assert.equal(vectors.length, 4);
  for (const [, seed, x, y, value] of vectors) {
    assert.equal(hash(Number(seed), Number(x), Number(y)).toString(16).padStart(8, '0'), value);
  }
  const terrain = new Terrain(77, 102400, 60);
  let obstacles = 0;
  for (let y = 0; y < 100; y += 1) for (let x = 0; x < 100; x += 1) if (terrain.obstacle(x, y)) obstacles += 1;
  assert.ok(obstacles > 500 && obstacles < 700, `${obstacles}`);
});

/** Wishes for 20 ticks each. */
const WISHES = [[127, 0], [90, 89], [0, 127], [-127, 127], [-50, 3], [0, 0], [127, -127], [33, -120], [-127, -1], [-77, -101]];
// From domain::movement: x, y, velocity and remainder after each 20 ticks; the first walk is among obstacles for
// half of its time, the second along the edge of the world too.
const WALKS = [
  { rate: 60, from: [21550, 20800], through: [
    [21757, 20693, 1536, 0, 12, 0], [22008, 20595, 1088, 1076, 18, 46], [22258, 20723, 0, 1536, 45, 46],
    [22305, 21062, -1088, 1088, 47, 20], [22152, 21228, -604, 36, 42, 8], [22135, 21236, 0, 0, 42, 19],
    [22407, 20994, 1088, -1088, 46, 15], [22570, 20526, 399, -1451, 7, 8], [22347, 20307, -1536, -12, 45, 2],
    [21988, 19997, -931, -1221, 50, 2],
  ] },
  { rate: 30, from: [4402, 402], through: [
    [4439, 190, 1536, 0, 0, 0], [4657, 102, 1088, 1076, 11, 16], [4357, 548, 0, 1536, 3, 7],
    [3698, 1300, -1088, 1088, 5, 29], [3266, 1387, -604, 36, 16, 26], [3251, 1388, 0, 0, 24, 23],
    [3886, 754, 1088, -1088, 7, 10], [4175, 102, 399, 0, 27, 15], [3364, 102, -1536, -12, 14, 10],
    [2662, 102, -939, 0, 18, 5],
  ] },
];

test('a body goes where the host lets it go', () => {
  const terrain = new Terrain(5, 102400, 300);
  for (const { rate, from, through } of WALKS) {
    const motion = atRest(...from);
    for (const [index, [x, y]] of WISHES.entries()) {
      for (let tick = 0; tick < 20; tick += 1) step(motion, intent({ x, y }, BUILD), BUILD, terrain, rate);
      const { x: atX, y: atY, vx, vy, rx, ry } = motion;
      assert.deepEqual([atX, atY, vx, vy, rx, ry], through[index], `${rate} Hz, after ${index * 20 + 20} ticks`);
    }
  }
});

const OPEN = new Terrain(5, 102400, 0);
const headerOf = (tick, input, motion) => ({ tick, input, own: { ...motion, health: 100 } });

/** A host that takes `inputs` ({sequence, at, x, y}) in their ticks, up to `tick`: its header then. */
function hostAt(tick, inputs) {
  const motion = atRest(50000, 50000);
  let last = { sequence: 0, x: 0, y: 0 };
  for (let now = 1; now <= tick; now += 1) {
    last = inputs.findLast(({ at }) => at <= now) ?? last;
    step(motion, intent(last, BUILD), BUILD, OPEN, 30);
  }
  return headerOf(tick, last.sequence, motion);
}

test('a prediction is right when inputs come in time, and made good when they come late', () => {
  const predictor = new Predictor(OPEN, BUILD, 30, hostAt(0, []));
  const wish = { x: 127, y: 0 };
  predictor.advance(6);
  predictor.sent(1, 7, wish);
  predictor.advance(12);
  assert.ok(predictor.motion.x > 50000, 'it walks before the host knows');
  assert.equal(predictor.correct(hostAt(3, []), 12, 0), 0);
  assert.ok(predictor.correct(hostAt(9, [{ sequence: 1, at: 7, ...wish }]), 12, 100) <= 1);
  predictor.sent(2, 13, { x: 0, y: 0 });
  predictor.advance(18);
  // The second input was for tick 13 and is not there after 15: the body has gone on, and is told to stand in 16.
  const before = predictor.drawn(18, 200);
  const late = predictor.correct(hostAt(15, [{ sequence: 1, at: 7, ...wish }]), 18, 200);
  assert.ok(late > 100 && late < 200, `${late}`);
  assert.deepEqual(predictor.drawn(18, 200), before, 'a correction is hidden at first');
  const final = predictor.drawn(18, 1000);
  assert.ok(Math.hypot(final.x - predictor.motion.x, final.y - predictor.motion.y) < 40, 'and let out soon');
  const inputs = [{ sequence: 1, at: 7, ...wish }, { sequence: 2, at: 16, x: 0, y: 0 }];
  assert.ok(predictor.correct(hostAt(18, inputs), 18, 300) <= 1, 'it came in 16, as was taken');
});

test('the dead do not walk, and who comes back is there at once', () => {
  const predictor = new Predictor(OPEN, BUILD, 30, hostAt(0, []));
  predictor.sent(1, 1, { x: 127, y: 0 });
  const dead = headerOf(3, 1, atRest(50030, 50000));
  dead.own.health = 0;
  predictor.correct(dead, 3, 0);
  predictor.advance(9);
  assert.deepEqual([predictor.motion.x, predictor.motion.y], [50030, 50000]);
  predictor.correct(headerOf(12, 1, atRest(20000, 20000)), 12, 400);
  const { x } = predictor.drawn(12, 400);
  assert.ok(Math.abs(x - 20000) < 20, `${x}`);
});

test('the clock finds the host\'s time and how far to be ahead of it', () => {
  const clock = new HostClock(30, 3);
  // Snapshots take 75 ms, some of them 20 ms more; so do inputs.
  let own = 0;
  for (let tick = 3; tick < 300; tick += 3) {
    const now = (tick * 1000) / 30 + 75 + (tick % 2 ? 20 : 0);
    clock.arrived(tick, now);
    const before = own;
    own = clock.ownTick(now);
    assert.ok(tick < 60 || own > before, 'it never goes back');
    // The newest input was sent 100 ms ago, for the tick that was shown then.
    clock.steer(Math.floor(own - 3 - ((now - 100 + 75) * 30) / 1000));
  }
  const now = 10000;
  const lead = clock.ownTick(now) - ((now + 75) * 30) / 1000;
  assert.ok(lead > 1 && lead < 4, `inputs come ${lead} ticks early`);
  const behind = clock.hostTick(now) - clock.othersTick(now);
  assert.ok(behind >= 3.7 && behind <= 5.5, `others are ${behind} ticks behind`);
});

test('a bad network is late and keeps the order', async () => {
  useNetwork(NETWORKS[1]);
  const line = new DelayLine();
  const start = performance.now();
  const come = [];
  await new Promise((resolve) => {
    for (let index = 0; index < 200; index += 1) line.push(() => come.push(index) === 200 && resolve());
  });
  useNetwork(NETWORKS[0]);
  assert.ok(performance.now() - start >= 70);
  assert.deepEqual(come, Array.from({ length: 200 }, (_, index) => index));
  let direct = false;
  line.push(() => { direct = true; });
  assert.ok(direct, 'without it nothing waits');
});

test('notices read as lines, and rubbish as none', () => {
  const line = (topic, body) => lineOf({ topic, body: typeof body === 'string' ? body : JSON.stringify(body) });
  assert.equal(line('chat', { channel: 'zone:ins_1', from: { name: 'Ada' }, text: 'hi' }), '[zone] Ada: hi');
  assert.equal(line('chat', { text: 'hi' }), 'someone: hi');
  assert.equal(line('announcement', { text: 'soon' }), '* soon');
  assert.equal(line('announcement', { text: 'x'.repeat(9_000) }).length, 300);
  for (const body of ['', '{', 'null', '7', '[]', '{}', '{"text":7}', '{"text":{}}']) {
    assert.equal(line('chat', body), null, body);
    assert.equal(line('announcement', body), null, body);
  }
  assert.equal(line('constructor', {}), null);
  assert.equal(line('a-topic-of-tomorrow', { text: 'hi' }), null);
});
