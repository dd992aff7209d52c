// What time it is at the host, and how far ahead of it the player's own body is to be.

/** The share of a new measurement in the estimate. */
const SHARE = 0.1;
/** An estimate that is off by more is wrong, not imprecise. */
const WRONG_MS = 250;
/** One late snapshot is an accident of the way; this many in a row are another time. */
const WRONG_IN_A_ROW = 3;
/** Inputs are to come so many ticks before they are needed. */
const LEAD_TICKS = 2;
const AHEAD_TICKS_MAX = 60;
/** Snapshot periods that the others are shown behind the newest: more would cost hits, since targets are taken back by a bounded time only. */
const PERIODS_BEHIND = 1.25;
/** Targets are taken back by at most this: whoever sees the others later hits nothing. */
const BEHIND_MS_MAX = 250;
/** A clock that was wrong goes by so much faster or slower until it is right, since a jump is seen. */
const SLEW = 0.1;

/** A clock that goes evenly and comes close to a target that does not. */
class EvenClock {
  constructor() {
    this.tick = null;
    this.at = 0;
  }

  /** What it shows at `now` (ms) if it should show `target`, at `rate` ticks a second. */
  follow(target, now, rate) {
    const step = (Math.max(0, now - this.at) * rate) / 1000;
    const error = this.tick === null ? Infinity : target - (this.tick + step);
    const right = Math.abs(error) > (WRONG_MS * rate) / 1000;
    this.tick = right ? target : this.tick + step + Math.min(Math.max(error, -SLEW * step), SLEW * step);
    this.at = now;
    return this.tick;
  }

  /** Lets it show its next target at once. */
  reset() {
    this.tick = null;
  }
}

/** The host's clock, as far as the arrivals of snapshots tell it. Times are `performance.now()`, ticks have fractions. */
export class HostClock {
  /** @param {number} rate ticks per second @param {number} ticksPerSnapshot between two snapshots */
  constructor(rate, ticksPerSnapshot) {
    Object.assign(this, { rate, ticksPerSnapshot });
    /** Tick of the host at the local time 0. */
    this.offset = null;
    /** Mean deviation of arrivals, in ticks. */
    this.jitter = 0;
    this.wrong = 0;
    /** Ticks that the own body is ahead of the newest snapshot's time. */
    this.ahead = LEAD_TICKS;
    this.steered = false;
    this.own = new EvenClock();
    this.others = new EvenClock();
  }

  inTicks(millis) {
    return (millis * this.rate) / 1000;
  }

  /** Takes in that a snapshot of `tick` came at `now`. */
  arrived(tick, now) {
    const sample = tick - this.inTicks(now);
    const error = this.offset === null ? Infinity : sample - this.offset;
    if (Math.abs(error) <= this.inTicks(WRONG_MS)) {
      this.offset += SHARE * error;
      this.jitter += SHARE * (Math.abs(error) - this.jitter);
      this.wrong = 0;
      return;
    }
    this.wrong += 1;
    if (this.offset === null || this.wrong >= WRONG_IN_A_ROW) {
      this.offset = sample;
      this.jitter = 0;
      this.wrong = 0;
    }
  }

  /** Takes in how many ticks too early the newest input came. */
  steer(lead) {
    // The first one tells how long the way is; from then on it is only watched.
    const share = this.steered ? SHARE : 1;
    if (!this.steered) this.own.reset();
    this.steered = true;
    this.ahead = Math.min(Math.max(this.ahead + (LEAD_TICKS - lead) * share, 0), AHEAD_TICKS_MAX);
  }

  /** The tick of the newest snapshot if one came at `now`. */
  hostTick(now) {
    return this.offset + this.inTicks(now);
  }

  /** The tick at which the own body is shown. */
  ownTick(now) {
    return this.own.follow(this.hostTick(now) + this.ahead, now, this.rate);
  }

  /** The tick at which the others are shown: between two snapshots that are both known, mostly. */
  othersTick(now) {
    const behind = Math.min(PERIODS_BEHIND * this.ticksPerSnapshot + 2 * this.jitter, this.inTicks(BEHIND_MS_MAX));
    return this.others.follow(this.hostTick(now) - behind, now, this.rate);
  }
}
