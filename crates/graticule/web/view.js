// The delta codec: bodies of StateUpdate become what is in view. See "Snapshots" in PROTOCOL.md.

import { Bit, RangeDecoder, Signed, Symbol8, Unsigned } from './coder.js';

const SLOTS = 1024;
const NAME_BYTES_MAX = 127;
const COORDINATE_MAX = 131071;
const ACTION_MAX = 4;
const KIND_MAX = 3;
const ARCHETYPE_MAX = 255;
const LEVEL_MAX = 255;
/** Units of 1/256 m in one of the wire. */
const WIRE = 8;

// Marks at the start of a name are part of it.
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What is learned from the snapshots of a connection. */
class Models {
  constructor() {
    const signed = (names) => Object.fromEntries(names.map((name) => [name, new Signed()]));
    const list = () => ({ more: new Bit(), gap: new Unsigned() });
    this.head = { ticks: new Unsigned(), ...signed(['stamp', 'inputs', 'lead', 'place', 'velocity', 'health', 'healthMax']) };
    this.leaves = list();
    this.updates = list();
    this.update = {
      // For those that stood and those that moved.
      place: [new Signed(), new Signed()],
      // By whether it moved, and whether the place is as shown.
      sameVelocity: [[new Bit(), new Bit()], [new Bit(), new Bit()]],
      stopped: new Bit(),
      // By whether the velocity is the same.
      sameHeading: [new Bit(), new Bit()],
      ...signed(['velocity', 'heading', 'health']),
      // By the action before, and whether it moves now.
      action: Array.from({ length: ACTION_MAX + 1 }, () => [new Symbol8(), new Symbol8()]),
    };
    this.enters = new Bit();
    this.enter = {
      kind: new Symbol8(),
      archetype: new Unsigned(),
      level: new Unsigned(),
      nameLength: new Unsigned(),
      action: new Symbol8(),
      ...signed(['id', 'place', 'velocity', 'health']),
    };
  }
}

/** The direction of (x, y) in 1/65536 turn. See "Headings" in PROTOCOL.md. */
export function heading(x, y) {
  const greater = Math.max(Math.abs(x), Math.abs(y));
  const smaller = Math.min(Math.abs(x), Math.abs(y));
  if (greater === 0) return 0;
  const ratio = Math.floor((smaller * 65536) / greater);
  const bent = Math.floor((ratio * (65536 - ratio)) / 65536);
  const eighth = Math.floor(ratio / 8) + Math.floor((bent * 2847) / 65536);
  const quarter = Math.abs(y) > Math.abs(x) ? 16384 - eighth : eighth;
  if (x < 0) return y < 0 ? 32768 + quarter : 32768 - quarter;
  return (y < 0 ? 65536 - quarter : quarter) & 0xffff;
}

const velocity = (last, step) => ((last + step) << 16) >> 16;

function checked(state) {
  const inside = (part) => part >= 0 && part <= COORDINATE_MAX;
  if (!inside(state.x) || !inside(state.y)) throw new RangeError('a place is off the map');
  if (state.health < 0 || state.health > 100) throw new RangeError('a health is not in percent');
  if (state.action > ACTION_MAX) throw new RangeError(`there is no action ${state.action}`);
  return state;
}

/** What a player has in view. */
export class View {
  /** @param {number} rate ticks per second of the zone */
  constructor(rate) {
    this.rate = Math.max(1, rate);
    /** Entities by slot: {id, kind, archetype, level, name, state, told, toldAt}; `state` is the one to show. */
    this.slots = new Map();
    /** The snapshot that is shown. */
    this.sequence = 0;
    /** What the newest snapshot says beside the entities. */
    this.header = { tick: 0, stampUs: 0, input: 0, lead: 0, own: { x: 0, y: 0, vx: 0, vy: 0, health: 0, healthMax: 0 } };
    this.models = new Models();
    this.lastId = 0;
  }

  /**
   * Applies the body of the next snapshot. A view that threw is of no use any more.
   * @param {Uint8Array} body the decisions
   * @returns {{entered: object[], left: object[], updated: number}}
   */
  apply(body) {
    const coder = new RangeDecoder(body);
    this.header = this.readHead(coder);
    const changes = { left: this.readLeaves(coder), updated: this.readUpdates(coder), entered: this.readEnters(coder) };
    if (!coder.done) throw new RangeError('bytes follow the end of a snapshot');
    this.sequence += 1;
    for (const entity of this.slots.values()) entity.state = this.shown(entity);
    return changes;
  }

  readHead(coder) {
    const models = this.models.head;
    const last = this.header;
    const ticks = models.ticks.read(coder);
    const due = last.stampUs + Math.floor((ticks * 1000000) / this.rate);
    return {
      tick: (last.tick + ticks) >>> 0,
      stampUs: (due + models.stamp.read(coder)) >>> 0,
      input: (last.input + models.inputs.read(coder)) >>> 0,
      lead: (last.lead + models.lead.read(coder)) | 0,
      own: this.readOwn(coder, ticks),
    };
  }

  readOwn(coder, ticks) {
    const models = this.models.head;
    const last = this.header.own;
    const place = (from, speed) => {
      const step = Math.floor((speed * ticks) / this.rate);
      return (from + (step === (step | 0) ? step : 0) + models.place.read(coder)) | 0;
    };
    return {
      x: place(last.x, last.vx),
      y: place(last.y, last.vy),
      vx: (last.vx + models.velocity.read(coder)) | 0,
      vy: (last.vy + models.velocity.read(coder)) | 0,
      health: (last.health + models.health.read(coder)) & 0xffff,
      healthMax: (last.healthMax + models.healthMax.read(coder)) & 0xffff,
    };
  }

  /** The slots of a list, each of which holds an entity. */
  * readSlots(coder, list) {
    let next = 0;
    while (coder.bit(list.more)) {
      const slot = next + list.gap.read(coder);
      const entity = this.slots.get(slot);
      if (!entity) throw new RangeError(`slot ${slot} is empty`);
      yield [slot, entity];
      next = slot + 1;
    }
  }

  readLeaves(coder) {
    const left = [];
    for (const [slot, entity] of this.readSlots(coder, this.models.leaves)) {
      this.slots.delete(slot);
      left.push(entity);
    }
    return left;
  }

  readUpdates(coder) {
    let updated = 0;
    for (const [, entity] of this.readSlots(coder, this.models.updates)) {
      entity.told = checked(this.readChanges(coder, this.shown(entity)));
      entity.toldAt = this.header.tick;
      updated += 1;
    }
    return updated;
  }

  /** The state that was told last, moved on to this tick by its velocity. */
  shown({ told, toldAt }) {
    if (told.vx === 0 && told.vy === 0) return told;
    const ticks = Math.max(0, this.header.tick - toldAt);
    const half = Math.floor(this.rate / 2);
    const moved = (from, speed) => {
      const to = from + Math.floor((speed * ticks + half) / this.rate);
      return Math.min(Math.max(to, 0), COORDINATE_MAX);
    };
    return { ...told, x: moved(told.x, told.vx), y: moved(told.y, told.vy) };
  }

  readChanges(coder, shown) {
    const models = this.models.update;
    const moves = shown.vx !== 0 || shown.vy !== 0;
    const state = { ...shown };
    const place = models.place[Number(moves)];
    state.x = (shown.x + place.read(coder)) | 0;
    state.y = (shown.y + place.read(coder)) | 0;
    const strayed = state.x !== shown.x || state.y !== shown.y;
    const same = coder.bit(models.sameVelocity[Number(moves)][Number(strayed)]);
    if (!same) {
      const stopped = moves && coder.bit(models.stopped);
      state.vx = stopped ? 0 : velocity(shown.vx, models.velocity.read(coder));
      state.vy = stopped ? 0 : velocity(shown.vy, models.velocity.read(coder));
    }
    const still = state.vx === 0 && state.vy === 0;
    if (!coder.bit(models.sameHeading[Number(Boolean(same))])) {
      const from = still ? shown.heading : heading(state.vx, state.vy) >> 8;
      state.heading = (from + models.heading.read(coder)) & 255;
    }
    state.health = (shown.health + models.health.read(coder)) | 0;
    state.action = models.action[shown.action][Number(!still)].read(coder);
    return state;
  }

  readEnters(coder) {
    const entered = [];
    let slot = 0;
    while (coder.bit(this.models.enters)) {
      // The lowest free slot: none is freed here, so that each search goes on from the last.
      while (this.slots.has(slot)) slot += 1;
      if (slot >= SLOTS) throw new RangeError('an entity enters a full view');
      const entity = this.readEntity(coder);
      this.slots.set(slot, entity);
      entered.push(entity);
    }
    return entered;
  }

  readEntity(coder) {
    const models = this.models.enter;
    this.lastId = (this.lastId + models.id.read(coder)) | 0;
    const entity = {
      id: this.lastId >>> 0,
      kind: models.kind.read(coder),
      archetype: models.archetype.read(coder),
      level: models.level.read(coder),
      name: this.readName(coder),
    };
    const known = entity.kind <= KIND_MAX && entity.archetype <= ARCHETYPE_MAX && entity.level <= LEVEL_MAX;
    if (!known) throw new RangeError('there is no such entity');
    entity.told = checked(this.readFirstState(coder));
    entity.toldAt = this.header.tick;
    entity.state = entity.told;
    return entity;
  }

  readName(coder) {
    const length = this.models.enter.nameLength.read(coder);
    if (length > NAME_BYTES_MAX) throw new RangeError('a name is too long');
    const bytes = Uint8Array.from({ length }, () => coder.raw(8));
    try {
      return text.decode(bytes);
    } catch {
      throw new RangeError('a name is not UTF-8');
    }
  }

  readFirstState(coder) {
    const models = this.models.enter;
    const { own } = this.header;
    return {
      x: (Math.floor(own.x / WIRE) + models.place.read(coder)) | 0,
      y: (Math.floor(own.y / WIRE) + models.place.read(coder)) | 0,
      vx: velocity(0, models.velocity.read(coder)),
      vy: velocity(0, models.velocity.read(coder)),
      heading: coder.raw(8),
      health: (100 - models.health.read(coder)) | 0,
      action: models.action.read(coder),
    };
  }
}
