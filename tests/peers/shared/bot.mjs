// A bot: what it decides to do, and what it checks. Each peer gives it `send` and `leave`, and calls
// `entered`, `snapshot` and `lost`.

import { nowMicros } from './clock.mjs';
import { Random } from './random.mjs';
import { INPUT_STRIKE, UNITS_PER_METRE } from './world.mjs';

const STEPS_STRAIGHT = [10, 60];
const STEPS_PER_STRIKE = 20;
const WISH = 120;
// Ten steps are a second.
const STEPS_STILL_MAX = 50;
const EDGE = 0.1;

export class Bot {
  constructor(number, seed, tally) {
    this.name = `bot${number}`;
    this.tally = tally;
    this.random = new Random(seed + Math.imul(number + 1, 0x9e3779b1));
    this.state = 'connecting';
    Object.assign(this, { sequence: 0, straight: 0, moveX: 0, moveY: 0, aim: 0 });
    // Bots that start at the same place of their two seconds would all strike at once.
    this.strikePhase = this.random.between(0, STEPS_PER_STRIKE - 1);
    Object.assign(this, { size: Infinity, x: NaN, y: NaN, still: 0, told: new Set() });
  }

  // One step of 100 ms: decide, and send.
  step() {
    if (this.state !== 'in') return;
    this.straight -= 1;
    if (this.straight <= 0) {
      this.straight = this.random.between(...STEPS_STRAIGHT);
      const way = this.random.unit() * 2 * Math.PI;
      this.moveX = Math.round(Math.cos(way) * WISH);
      this.moveY = Math.round(Math.sin(way) * WISH);
      this.aim = Math.floor((way / (2 * Math.PI)) * 65536) & 0xffff;
    }
    this.sequence += 1;
    const strikes = (this.sequence + this.strikePhase) % STEPS_PER_STRIKE === 0;
    this.send(this.sequence, this.moveX, this.moveY, this.aim, strikes ? INPUT_STRIKE : 0);
    this.still += 1;
    if (this.still > STEPS_STILL_MAX) {
      this.fault('walked for 5 s and did not see itself move');
      this.still = 0;
    }
  }

  entered(size) {
    this.size = size;
    this.state = 'in';
  }

  // The time of receipt is taken here, when the snapshot is decoded and a game could show it.
  snapshot(stamp, lastInput, x, y, inView, updates) {
    this.tally.snapshot(nowMicros() - stamp, inView, updates);
    // Places are rounded to units, at the far walls outwards too.
    const most = this.size + 1 / UNITS_PER_METRE;
    if (!(x >= 0 && y >= 0 && x <= most && y <= most)) this.fault('was told a place out of the world');
    if (lastInput > this.sequence) this.fault('was told of an input that it did not send');
    // One who walks into a wall or a corner may stand still until it turns.
    const atEdge = Math.min(x, y) < EDGE || Math.max(x, y) > this.size - EDGE;
    if (x !== this.x || y !== this.y || atEdge) this.still = 0;
    this.x = x;
    this.y = y;
  }

  lost(reason) {
    if (this.state === 'lost' || this.state === 'left') return;
    this.fault(this.state === 'in' ? `lost the connection: ${reason}` : `did not connect: ${reason}`);
    this.wasIn = this.state === 'in';
    this.state = 'lost';
  }

  end() {
    if (this.state !== 'in') return;
    this.state = 'left';
    this.leave();
  }

  // A bot tells a fault once.
  fault(text) {
    if (this.told.has(text)) return;
    this.told.add(text);
    this.tally.fault(text);
  }
}
