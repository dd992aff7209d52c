// The player's own body before the host has told of it: the same steps on the same inputs, made good when it tells.

import { atRest, intent, step } from './movement.js';

/** A wish is held this long without a new one. */
const HELD_SECS = 1;
/** Without news from the host nobody goes on for longer. */
const UNTOLD_SECS = 2;
/** A body that is farther ahead of the clock does not wait for it. */
const FAST_SECS = 0.25;
/** What a correction moves is hidden, and the rest of it shrinks to a third in this time: most is gone after 150 ms. */
const HIDE_MS = 50;
/** Whoever is elsewhere by more, in 1/256 m, is shown there at once. */
const JUMP = 512;
/** Corrections are judged by those of the last so many ms. */
const JUDGED_MS = 10000;

/** Predicts one body on one connection. Lengths are in 1/256 m. */
export class Predictor {
  /**
   * @param {import('./terrain.js').Terrain} terrain where it walks
   * @param {{radius: number, speedMax: number, acceleration: number}} build what it can do
   * @param {number} rate ticks per second
   * @param {object} header of the first snapshot
   */
  constructor(terrain, build, rate, header) {
    Object.assign(this, { terrain, build, rate });
    /** Inputs that have been sent and may still count: {sequence, tick, towards}. */
    this.inputs = [];
    this.hidden = { x: 0, y: 0, at: 0 };
    this.rewind(header);
  }

  rewind({ tick, input, own }) {
    this.told = { tick, input };
    this.dead = own.health === 0;
    this.tick = tick;
    this.motion = { ...atRest(own.x, own.y), vx: own.vx, vy: own.vy };
  }

  /** Takes in an input that was sent, for a tick that is still to come. */
  sent(sequence, tick, wish) {
    this.inputs.push({ sequence, tick, towards: intent(wish, this.build) });
  }

  /** The velocity that the player wants at a tick. */
  towards(tick) {
    const { told, inputs } = this;
    if (this.dead) return [0, 0];
    for (let index = inputs.length - 1; index >= 0; index -= 1) {
      const input = inputs[index];
      // One that had not taken effect by its tick came too late: the host takes it in the next.
      const from = input.sequence > told.input ? Math.max(input.tick, told.tick + 1) : input.tick;
      if (from <= tick) return tick - from <= this.rate * HELD_SECS ? input.towards : [0, 0];
    }
    return [0, 0];
  }

  stepped(motion, tick) {
    step(motion, this.towards(tick), this.build, this.terrain, this.rate);
  }

  /** Goes on to `tick`, if it is not there yet. */
  advance(tick) {
    const last = Math.min(tick, this.told.tick + this.rate * UNTOLD_SECS);
    for (; this.tick < last; this.tick += 1) this.stepped(this.motion, this.tick + 1);
  }

  /**
   * Makes good what the host tells. Returns how far the body is from where it was taken to be at the same tick.
   * @param {object} header of a snapshot
   * @param {number} due the tick that the body should be at
   * @param {number} now in ms
   */
  correct(header, due, now) {
    this.advance(header.tick);
    const { tick, motion: old } = this;
    this.rewind(header);
    this.inputs = this.inputs.filter((input) => input.sequence >= header.input);
    this.advance(tick);
    const [x, y] = [old.x - this.motion.x, old.y - this.motion.y];
    if (tick - due > this.rate * FAST_SECS) {
      // The clock was wrong: the body would stand until it is right.
      this.rewind(header);
      this.advance(due);
    }
    const left = this.hiddenAt(now);
    const hidden = { x: left.x + x, y: left.y + y, at: now };
    this.hidden = Math.hypot(hidden.x, hidden.y) > JUMP ? { x: 0, y: 0, at: now } : hidden;
    return Math.hypot(x, y);
  }

  hiddenAt(now) {
    const share = Math.exp(-Math.max(0, now - this.hidden.at) / HIDE_MS);
    return { x: this.hidden.x * share, y: this.hidden.y * share };
  }

  /**
   * The place to draw at a tick with a fraction: on the way to the next tick with what is wanted now, so that a
   * key is seen to work in the next picture.
   */
  drawn(tick, now) {
    const { x, y } = this.motion;
    const next = { ...this.motion };
    this.stepped(next, this.tick + 1);
    const share = Math.min(Math.max(tick - this.tick, 0), 1);
    const hidden = this.hiddenAt(now);
    return { x: x + (next.x - x) * share + hidden.x, y: y + (next.y - y) * share + hidden.y };
  }
}

/** How far predictions were off. */
export class Corrections {
  constructor() {
    /** {at, cm}, the newest last. */
    this.samples = [];
  }

  /** Takes in a correction by `distance` (1/256 m) at `now` (ms). */
  add(distance, now) {
    this.samples.push({ at: now, cm: (distance * 100) / 256 });
    while (this.samples[0].at < now - JUDGED_MS) this.samples.shift();
  }

  /** The last one in cm, or null. */
  get last() {
    return this.samples.at(-1)?.cm ?? null;
  }

  /** What a share of them, 0.95 for example, does not go over, in cm; null if there are none. */
  quantile(share) {
    const sorted = this.samples.map(({ cm }) => cm).sort((a, b) => a - b);
    return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  }
}
