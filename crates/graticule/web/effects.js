// What is seen for a moment: strikes, shots and the numbers of lost health. Lengths are in 1/256 m.

const NUMBER_MS = 900;
const FLASH_MS = 140;
const STRIKE = 1;
const STRIKE_MS = 200;
const STRIKE_RANGE = 576;
/** A strike reaches so far to each side: a sixth of a turn. */
const STRIKE_HALF_ANGLE = Math.PI / 3;
const SHOT_MS = 240;
/** 18 m/s, as the bolt that follows. */
const SHOT_SPEED = 4608;
const SHOT_START = 152;
const SHOT_LENGTH = 500;

/** The moments of one world. */
export class Effects {
  constructor() {
    this.reset();
  }

  reset() {
    this.numbers = [];
    this.flashes = new Map();
    this.acts = [];
  }

  /** Shows at `now` (ms) that an entity lost health where it is drawn. */
  hurt(id, place, text, own, now) {
    this.numbers.push({ x: place.x, y: place.y, at: now, text, own });
    this.flashes.set(id, now);
  }

  /** Shows the player's own strike or shot, seen from `place`, before the host has heard of it. */
  act({ action, aim }, place, now) {
    this.acts.push({ action, angle: (aim / 65536) * Math.PI * 2, x: place.x, y: place.y, at: now });
  }

  isFlashing(id, now) {
    return now - (this.flashes.get(id) ?? -Infinity) < FLASH_MS;
  }

  forget(id) {
    this.flashes.delete(id);
  }

  /**
   * @param {import('./brush.js').Brush} brush what to draw with
   * @param {(x: number, y: number) => number[]} pixel where a place is on the canvas
   * @param {number} scale pixels per 1/256 m
   * @param {{x: number, y: number}} own where the own body is
   * @param {number} now in ms
   */
  draw(brush, pixel, scale, own, now) {
    this.acts = this.acts.filter((act) => now - act.at < (act.action === STRIKE ? STRIKE_MS : SHOT_MS));
    for (const act of this.acts) {
      if (act.action === STRIKE) this.drawStrike(brush, pixel(own.x, own.y), scale, act, now);
      else this.drawShot(brush, pixel, act, now);
    }
    this.numbers = this.numbers.filter((number) => now - number.at < NUMBER_MS);
    for (const number of this.numbers) {
      const age = (now - number.at) / NUMBER_MS;
      const [x, y] = pixel(number.x, number.y);
      brush.number(x, y - 18 - age * 24, number.text, number.own ? '#ff7b72' : '#ffe08a', 1 - age);
    }
  }

  drawStrike(brush, [x, y], scale, act, now) {
    const age = (now - act.at) / STRIKE_MS;
    // The blade is through after half of the time, and its trace fades.
    const swept = Math.min(1, 0.35 + age * 1.3);
    const from = act.angle - STRIKE_HALF_ANGLE;
    brush.arc(x, y, STRIKE_RANGE * scale, from, from + 2 * STRIKE_HALF_ANGLE * swept, 0.55 * (1 - age));
  }

  drawShot(brush, pixel, act, now) {
    const age = (now - act.at) / SHOT_MS;
    const head = SHOT_START + SHOT_LENGTH / 4 + (SHOT_SPEED * (now - act.at)) / 1000;
    const tail = Math.max(SHOT_START, head - SHOT_LENGTH);
    const along = (length) => pixel(act.x + Math.cos(act.angle) * length, act.y + Math.sin(act.angle) * length);
    brush.streak(...along(tail), ...along(head), 1 - age);
  }
}
