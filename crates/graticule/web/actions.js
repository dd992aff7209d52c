// Which actions are shown before the host has answered: those that it will most likely let through.

const DONE = 0;
const COOLDOWN = 1;
/** Not in this zone, and no such action. */
const NEVER = new Set([3, 4]);
/** Answers may fail to come, with a broken connection for example. */
const ASKED_MAX = 32;

/** The actions of one connection. */
export class Actions {
  /** @param {number} rate ticks per second */
  constructor(rate) {
    this.rate = rate;
    /** By sequence of the input: the action that it asked for. */
    this.asked = new Map();
    /** By action: for how long it cannot be done again, and when it can be. */
    this.cooldownMs = new Map();
    this.readyAt = new Map();
    this.never = new Set();
  }

  /** Whether an action is to be shown at `now` (ms); it counts as done then. */
  begin(action, now) {
    if (this.never.has(action) || now < (this.readyAt.get(action) ?? 0)) return false;
    this.readyAt.set(action, now + (this.cooldownMs.get(action) ?? 0));
    return true;
  }

  /** Takes in that an input asked for an action. */
  sent(sequence, action) {
    this.asked.set(sequence, action);
    if (this.asked.size > ASKED_MAX) this.asked.delete(this.asked.keys().next().value);
  }

  /** Takes in the host's answer. */
  confirmed({ input, outcome, cooldownTicks }, now) {
    const action = this.asked.get(input);
    this.asked.delete(input);
    const millis = (cooldownTicks * 1000) / this.rate;
    if (outcome === DONE) this.cooldownMs.set(action, millis);
    if (outcome === COOLDOWN) this.readyAt.set(action, Math.min(this.readyAt.get(action) ?? Infinity, now + millis));
    if (NEVER.has(outcome)) this.never.add(action);
  }
}
