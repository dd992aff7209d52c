// The binary messages of the ws peer, little-endian.
//
// Input:    u32 sequence, i8 move x, i8 move y, u16 aim, u8 action
// Welcome:  u8 0, f64 size of the world
// Snapshot: u8 1, f64 stamp, u32 last input, u16 x, u16 y, u8 health, u16 left, u16 entered, u16 changed, then
//           left:    u16 id
//           entered: u16 id, u8 kind, u8 length of the name, name, state
//           changed: u16 id, state
// State:    u16 x, u16 y, u8 heading, u8 health, u8 action

import { UNITS_PER_METRE } from '../shared/world.mjs';

export const WELCOME = 0;
export const SNAPSHOT = 1;
export const INPUT_BYTES = 9;
const HEAD_BYTES = 24;
const STATE_BYTES = 7;
const NAME_BYTES_MAX = 64;
const ENTERED_BYTES_MAX = 4 + NAME_BYTES_MAX + STATE_BYTES;

export function readInput(data, player) {
  player.take(data.readUInt32LE(0), data.readInt8(4), data.readInt8(5), data.readUInt16LE(6), data[8]);
}

export function writeInput(sequence, moveX, moveY, aim, action) {
  const data = Buffer.allocUnsafe(INPUT_BYTES);
  data.writeUInt32LE(sequence, 0);
  data.writeInt8(moveX, 4);
  data.writeInt8(moveY, 5);
  data.writeUInt16LE(aim, 6);
  data[8] = action;
  return data;
}

export function writeWelcome(size) {
  const data = Buffer.allocUnsafe(9);
  data[0] = WELCOME;
  data.writeDoubleLE(size, 1);
  return data;
}

// One scratch buffer serves all snapshots. What is sent is a copy, since the socket may keep it for a while.
let scratch = Buffer.allocUnsafe(64 * 1024);

export function writeSnapshot(stamp, player, left, entered, changed) {
  const most = HEAD_BYTES + 2 * left.length + ENTERED_BYTES_MAX * entered.length + 9 * changed.length;
  if (most > scratch.length) scratch = Buffer.allocUnsafe(2 * most);
  const data = scratch;
  data[0] = SNAPSHOT;
  data.writeDoubleLE(stamp, 1);
  data.writeUInt32LE(player.lastInput, 9);
  data.writeUInt16LE(player.unitX, 13);
  data.writeUInt16LE(player.unitY, 15);
  data[17] = player.health;
  data.writeUInt16LE(left.length, 18);
  data.writeUInt16LE(entered.length, 20);
  data.writeUInt16LE(changed.length, 22);
  let at = HEAD_BYTES;
  for (const other of left) at = data.writeUInt16LE(other.id, at);
  for (const other of entered) {
    at = data.writeUInt16LE(other.id, at);
    data[at] = other.kind;
    const length = data.write(other.name, at + 2, NAME_BYTES_MAX);
    data[at + 1] = length;
    at = writeState(data, at + 2 + length, other);
  }
  for (const other of changed) at = writeState(data, data.writeUInt16LE(other.id, at), other);
  return Buffer.from(data.subarray(0, at));
}

function writeState(data, at, player) {
  data.writeUInt16LE(player.unitX, at);
  data.writeUInt16LE(player.unitY, at + 2);
  data[at + 4] = player.heading;
  data[at + 5] = player.health;
  data[at + 6] = player.action;
  return at + STATE_BYTES;
}

// Applies a snapshot to the entities that the client knows, and returns its head.
export function readSnapshot(data, entities) {
  const head = {
    stamp: data.readDoubleLE(1),
    lastInput: data.readUInt32LE(9),
    x: data.readUInt16LE(13) / UNITS_PER_METRE,
    y: data.readUInt16LE(15) / UNITS_PER_METRE,
    health: data[17],
    moved: 0,
    unknown: 0,
  };
  let at = HEAD_BYTES;
  for (let count = data.readUInt16LE(18); count > 0; count -= 1, at += 2) {
    if (!entities.delete(data.readUInt16LE(at))) head.unknown += 1;
  }
  for (let count = data.readUInt16LE(20); count > 0; count -= 1) {
    const length = data[at + 3];
    const entity = { kind: data[at + 2], name: data.toString('utf8', at + 4, at + 4 + length) };
    entities.set(data.readUInt16LE(at), entity);
    at += 4 + length;
    readState(data, at, entity);
    at += STATE_BYTES;
  }
  for (let count = data.readUInt16LE(22); count > 0; count -= 1, at += 2 + STATE_BYTES) {
    const entity = entities.get(data.readUInt16LE(at));
    if (entity === undefined) head.unknown += 1;
    else if (readState(data, at + 2, entity)) head.moved += 1;
  }
  return head;
}

function readState(data, at, entity) {
  const x = data.readUInt16LE(at) / UNITS_PER_METRE;
  const y = data.readUInt16LE(at + 2) / UNITS_PER_METRE;
  const moved = x !== entity.x || y !== entity.y;
  entity.x = x;
  entity.y = y;
  entity.heading = data[at + 4];
  entity.health = data[at + 5];
  entity.action = data[at + 6];
  return moved;
}
