// The page's codec against the test vectors of PROTOCOL.md, which are read from there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Decoder, encode } from '../../crates/graticule/web/msgpack.js';
import { Terrain, hash } from '../../crates/graticule/web/terrain.js';
import { BitReader, View } from '../../crates/graticule/web/view.js';

const protocol = readFileSync(new URL('../../crates/wire/PROTOCOL.md', import.meta.url), 'utf8');
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const bodies = [...protocol.matchAll(/^ {4}sequence (\d+), baseline (\d+): ([0-9a-f]+)$/gm)];
const messages = [...protocol.matchAll(/^ {4}(\w+) \((.*)\): ([0-9a-f]+)$/gm)];

test('snapshots of the description', () => {
  assert.equal(bodies.length, 4);
  const view = new View();
  const seen = bodies.map(([, sequence, baseline, hex]) => {
    const changes = view.apply(Number(sequence), Number(baseline), bytesOf(hex));
    return [changes, [...view.slots.values()][0]?.state];
  });
  const [ada] = seen[0][0].entered;
  assert.deepEqual([ada.id, ada.kind, ada.archetype, ada.level, ada.name], [300, 0, 2, 5, 'Ada']);
  assert.deepEqual(seen[0][1], { x: 3200, y: 6400, heading: 64, health: 100, action: 1 });
  assert.deepEqual(seen[1][1], { x: 3219, y: 6390, heading: 64, health: 100, action: 1 });
  assert.equal(seen[1][0].updated, 1);
  assert.equal(seen[2][0].updated, 0);
  assert.equal(seen[3][0].left[0].id, 300);
  assert.equal(view.slots.size, 0);
});

test('snapshots that are cut off or out of order are errors', () => {
  const first = bytesOf(bodies[0][3]);
  for (let length = 0; length < first.length; length += 1) {
    assert.throws(() => new View().apply(1, 0, first.subarray(0, length)), RangeError, `${length} bytes`);
  }
  assert.throws(() => new View().apply(2, 0, first), /snapshot 2 came after 0/);
  assert.throws(() => new View().apply(1, 0, bytesOf(bodies[1][3])), /slot 0 is empty/);
  assert.throws(() => new View().apply(1, 0, Uint8Array.from([...first, 0])), /follow the end/);
});

test('messages of the description', () => {
  assert.equal(messages.length, 13);
  for (const [, name, , hex] of messages) {
    const decoder = new Decoder(bytesOf(hex));
    const kind = decoder.value();
    const fields = decoder.value();
    assert.ok(decoder.done, name);
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

test('numbers of varying length', () => {
  const bits = (text) => Uint8Array.from(text.match(/.{1,8}/g), (byte) => Number.parseInt([...byte].reverse().join(''), 2));
  assert.equal(new BitReader(bits('100')).varying(2), 1);
  assert.equal(new BitReader(bits('111100')).varying(2), 7);
  assert.throws(() => new BitReader(bits('1'.repeat(200))).varying(4), RangeError);
  assert.equal(new BitReader(Uint8Array.of(0b10000)).signed(5), -16);
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
