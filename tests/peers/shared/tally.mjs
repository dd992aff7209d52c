// What the bots count together, while they measure.

export class Tally {
  constructor() {
    Object.assign(this, { measures: false, snapshots: 0, inView: 0, updates: 0, down: 0, up: 0, added: [] });
    this.faults = new Map();
  }

  received(bytes) {
    if (this.measures) this.down += bytes;
  }

  sent(bytes) {
    if (this.measures) this.up += bytes;
  }

  snapshot(addedMicros, inView, updates) {
    if (!this.measures) return;
    this.snapshots += 1;
    this.inView += inView;
    this.updates += updates;
    this.added.push(addedMicros);
  }

  // Equal faults are told once, with their number: a thousand bots may all have the same.
  fault(text) {
    this.faults.set(text, (this.faults.get(text) ?? 0) + 1);
  }

  addedPercentiles() {
    const sorted = Float64Array.from(this.added).sort();
    const at = (share) => sorted[Math.floor((sorted.length * share) / 100)] ?? 0;
    return { p50: at(50), p95: at(95), p99: at(99) };
  }

  faultTexts() {
    return [...this.faults].map(([text, times]) => `${text} (${times})`);
  }
}
