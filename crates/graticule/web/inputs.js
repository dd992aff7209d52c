// What the player wants, as inputs for the host: when they are sent.

/** Also when nothing changes, since inputs acknowledge snapshots. */
const INPUT_MS = 100;
/** Changes are sent at once, but with these two there are never more than 20 inputs within a second. */
const BURST = 5;
const PER_SECOND = 15;

/** The inputs of one connection. */
export class Inputs {
  /**
   * @param {{x: number, y: number, aim: number, action: number}} wish what the player wants; changed from outside
   * @param {(sequence: number, wish: object) => void} send sends an input
   */
  constructor(wish, send) {
    Object.assign(this, { wish, send });
    this.sequence = 0;
    this.allowed = BURST;
    this.countedAt = performance.now();
    this.pace = null;
    this.sendNow();
  }

  /** Sends no more. */
  stop() {
    clearTimeout(this.pace);
  }

  /** Tells that the wish is another: it is sent at once, or as soon as it may be. */
  changed() {
    const now = performance.now();
    this.allowed = Math.min(BURST, this.allowed + ((now - this.countedAt) * PER_SECOND) / 1000);
    this.countedAt = now;
    if (this.allowed >= 1) this.sendNow();
    else this.sendAfter(((1 - this.allowed) * 1000) / PER_SECOND, () => this.changed());
  }

  sendAfter(millis, send) {
    clearTimeout(this.pace);
    this.pace = setTimeout(send, millis);
  }

  sendNow() {
    this.allowed -= 1;
    this.sequence += 1;
    this.sendAfter(INPUT_MS, () => this.changed());
    this.send(this.sequence, this.wish);
    this.wish.action = 0;
  }
}
