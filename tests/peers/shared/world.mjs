// The world that every peer simulates: players who walk and strike on a square plane.

import { Random } from './random.mjs';

export const TICKS_PER_SECOND = 30;
export const TICKS_PER_SNAPSHOT = 3;
// Places are sent in units of 1/32 m, which fit 16 bits in a world of up to 2 km.
export const UNITS_PER_METRE = 32;
export const SIZE_MAX = 2047;
export const KIND_PLAYER = 1;
export const Action = { IDLE: 0, MOVING: 1, STRIKING: 2 };
export const INPUT_STRIKE = 1;

const SPEED = 6;
const SPEED_CHANGE_PER_TICK = 30 / TICKS_PER_SECOND;
const STRIKE_TICKS = 0.3 * TICKS_PER_SECOND;
const COOLDOWN_TICKS = 0.6 * TICKS_PER_SECOND;

class Player {
  constructor(id, name, x, y) {
    Object.assign(this, { id, name, x, y, kind: KIND_PLAYER, vx: 0, vy: 0, heading: 0, health: 100 });
    Object.assign(this, { moveX: 0, moveY: 0, aim: 0, wantsStrike: false, lastInput: 0 });
    Object.assign(this, { action: Action.IDLE, strikeEnds: 0, strikeReady: 0, gone: false });
    // The place as it is sent, and the last tick in which anything that is sent has changed.
    Object.assign(this, { unitX: 0, unitY: 0, changedAt: 0 });
  }

  // What a client may send is clamped here, whatever the library let through.
  take(sequence, moveX, moveY, aim, action) {
    this.lastInput = sequence >>> 0;
    this.moveX = Math.max(-127, Math.min(127, moveX | 0));
    this.moveY = Math.max(-127, Math.min(127, moveY | 0));
    this.aim = aim & 0xffff;
    if (action === INPUT_STRIKE) this.wantsStrike = true;
  }
}

export class World {
  constructor(size, seed) {
    if (!(size > 0 && size <= SIZE_MAX)) throw new Error(`--size must be up to ${SIZE_MAX} m`);
    this.size = size;
    this.tick = 0;
    this.players = new Map();
    this.random = new Random(seed);
    this.freeIds = [];
    this.idsUsed = 0;
  }

  add(name) {
    const id = this.freeIds.pop() ?? ++this.idsUsed;
    const player = new Player(id, name, this.random.unit() * this.size, this.random.unit() * this.size);
    note(player, this.tick);
    this.players.set(id, player);
    return player;
  }

  remove(player) {
    player.gone = true;
    this.players.delete(player.id);
    this.freeIds.push(player.id);
  }

  step() {
    this.tick += 1;
    for (const player of this.players.values()) {
      walk(player, this.size);
      act(player, this.tick);
      note(player, this.tick);
    }
  }
}

function walk(player, size) {
  const length = Math.hypot(player.moveX, player.moveY);
  const scale = SPEED / Math.max(length, 127);
  const changeX = player.moveX * scale - player.vx;
  const changeY = player.moveY * scale - player.vy;
  const part = Math.min(1, SPEED_CHANGE_PER_TICK / Math.max(Math.hypot(changeX, changeY), 1e-9));
  player.vx += changeX * part;
  player.vy += changeY * part;
  player.x = Math.max(0, Math.min(size, player.x + player.vx / TICKS_PER_SECOND));
  player.y = Math.max(0, Math.min(size, player.y + player.vy / TICKS_PER_SECOND));
}

function act(player, tick) {
  if (player.wantsStrike && tick >= player.strikeReady) {
    player.strikeEnds = tick + STRIKE_TICKS;
    player.strikeReady = tick + COOLDOWN_TICKS;
  }
  player.wantsStrike = false;
}

function note(player, tick) {
  const unitX = Math.round(player.x * UNITS_PER_METRE);
  const unitY = Math.round(player.y * UNITS_PER_METRE);
  const heading = player.aim >> 8;
  const moves = player.moveX !== 0 || player.moveY !== 0;
  let action = moves ? Action.MOVING : Action.IDLE;
  if (tick < player.strikeEnds) action = Action.STRIKING;
  const same = unitX === player.unitX && unitY === player.unitY
    && heading === player.heading && action === player.action;
  if (same) return;
  Object.assign(player, { unitX, unitY, heading, action, changedAt: tick });
}
