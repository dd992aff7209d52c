// The delta codec: bodies of StateUpdate become what is in view. See "Snapshots" in PROTOCOL.md.

const SLOTS = 1024;
const KEPT = 8;
const COORDINATE_MAX = 131071;

/** Reads bits, the least significant of each byte first. */
export class BitReader {
  /** @param {Uint8Array} bytes what to read */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** An unsigned number of `count` bits, at most 32. */
  bits(count) {
    if (this.at + count > this.bytes.length * 8) throw new RangeError('the snapshot is cut off');
    let value = 0;
    for (let index = 0; index < count; index += 1, this.at += 1) {
      const bit = (this.bytes[this.at >> 3] >> (this.at & 7)) & 1;
      value += bit * 2 ** index;
    }
    return value;
  }

  /** A number of `count` bits in two's complement. */
  signed(count) {
    const value = this.bits(count);
    return value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** A number in groups of `group` bits. */
  varying(group) {
    let value = 0;
    for (let shift = 0; shift < 32; shift += group) {
      value += this.bits(group) * 2 ** shift;
      if (this.bits(1) === 0) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new RangeError('a number has over 32 bits');
  }

  /** Whether only the filling of the last byte is left. */
  get done() {
    return Math.ceil(this.at / 8) === this.bytes.length;
  }
}

function checkedSlot(slot) {
  if (slot >= SLOTS) throw new RangeError(`slot ${slot} is beyond the limit`);
  return slot;
}

function readGap(reader, last) {
  return checkedSlot(last + 1 + reader.varying(2));
}

function readHealth(reader) {
  const health = reader.bits(7);
  if (health > 100) throw new RangeError('a health is over 100 percent');
  return health;
}

function readWhole(reader) {
  return {
    x: reader.bits(17), y: reader.bits(17), heading: reader.bits(8), health: readHealth(reader), action: reader.bits(4),
  };
}

function readPlace(reader, base) {
  const width = [5, 7, 10][reader.bits(2)];
  if (width === undefined) return { x: reader.bits(17), y: reader.bits(17) };
  if (!base) throw new RangeError('a step comes without a baseline');
  const x = base.x + reader.signed(width);
  const y = base.y + reader.signed(width);
  if (x < 0 || y < 0 || x > COORDINATE_MAX || y > COORDINATE_MAX) throw new RangeError('a place is off the map');
  return { x, y };
}

function readChanges(reader, base) {
  const [moved, turned, hurt, acted] = [reader.bits(1), reader.bits(1), reader.bits(1), reader.bits(1)];
  if (!base && !(moved && turned && hurt && acted)) throw new RangeError('a baseline is missing');
  const state = { ...base };
  if (moved) Object.assign(state, readPlace(reader, base));
  if (turned) state.heading = reader.bits(8);
  if (hurt) state.health = readHealth(reader);
  if (acted) state.action = reader.bits(4);
  return state;
}

/** What a player has in view. */
export class View {
  constructor() {
    /** Entities by slot: {id, kind, archetype, level, name, state, track}. */
    this.slots = new Map();
    /** The snapshot that is shown. */
    this.sequence = 0;
  }

  /**
   * Applies the body of a snapshot.
   * @param {number} sequence of the snapshot
   * @param {number} baseline the acknowledged snapshot that it is encoded against
   * @param {Uint8Array} body the bits
   * @returns {{entered: object[], left: object[], updated: number}}
   */
  apply(sequence, baseline, body) {
    if (sequence !== this.sequence + 1) throw new RangeError(`snapshot ${sequence} came after ${this.sequence}`);
    const reader = new BitReader(body);
    const changes = { entered: [], left: [], updated: 0 };
    let slot = -1;
    for (let count = reader.varying(4); count > 0; count -= 1) {
      slot = readGap(reader, slot);
      changes.left.push(this.occupied(slot));
      this.slots.delete(slot);
    }
    slot = -1;
    for (let count = reader.varying(4); count > 0; count -= 1) {
      slot = readGap(reader, slot);
      const entity = this.occupied(slot);
      const base = entity.track.findLast((entry) => entry.sequence <= baseline);
      this.remember(entity, sequence, readChanges(reader, base?.state));
      changes.updated += 1;
    }
    for (let count = reader.varying(4); count > 0; count -= 1) {
      changes.entered.push(this.enter(sequence, reader));
    }
    if (!reader.done) throw new RangeError('bytes follow the end of a snapshot');
    this.sequence = sequence;
    return changes;
  }

  occupied(slot) {
    const entity = this.slots.get(slot);
    if (!entity) throw new RangeError(`slot ${slot} is empty`);
    return entity;
  }

  enter(sequence, reader) {
    const slot = checkedSlot(reader.varying(4));
    if (this.slots.has(slot)) throw new RangeError(`slot ${slot} is taken`);
    const entity = { id: reader.varying(7), kind: reader.bits(3), archetype: reader.bits(8), level: reader.bits(7) };
    const name = Uint8Array.from({ length: reader.bits(7) }, () => reader.bits(8));
    entity.name = new TextDecoder('utf-8', { fatal: true }).decode(name);
    entity.track = [];
    this.remember(entity, sequence, readWhole(reader));
    this.slots.set(slot, entity);
    return entity;
  }

  remember(entity, sequence, state) {
    entity.state = state;
    entity.track.push({ sequence, state });
    if (entity.track.length > KEPT) entity.track.shift();
  }
}
