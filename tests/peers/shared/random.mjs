// A seeded generator, so that a run can be repeated.

// mulberry32 by Tommy Ettinger: small, fast, and good enough for places and directions.
export class Random {
  constructor(seed) {
    this.state = seed | 0;
  }

  // A number from 0 up to but not including 1.
  unit() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  // A whole number, both ends included.
  between(least, most) {
    return least + Math.floor(this.unit() * (most - least + 1));
  }
}
