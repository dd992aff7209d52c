// The adaptive binary range coder, the end that reads. See "The coder" in PROTOCOL.md.

const HALF = 32768;
const SURE = 64;
const ONE = 65536;
/** Lengths of numbers that are learned apart; all longer ones are learned together. */
const LENGTHS = 12;

/** What is known of one kind of decision. */
export class Bit {
  constructor() {
    this.quick = HALF;
    this.slow = HALF;
  }
}

const bits = (count) => Array.from({ length: count }, () => new Bit());

/** Reads decisions. Behind the end of the bytes there are zeros. */
export class RangeDecoder {
  /** @param {Uint8Array} bytes what to read */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.low = 0;
    this.high = 0xffffffff;
    this.code = 0;
    for (let count = 0; count < 4; count += 1) this.shift();
  }

  /** Whether all bytes have had a part in what was read. */
  get done() {
    return this.at >= this.bytes.length;
  }

  shift() {
    const next = this.at < this.bytes.length ? this.bytes[this.at] : 0;
    this.at += 1;
    this.code = ((this.code << 8) | next) >>> 0;
  }

  /** The next decision, a one with a probability of `one` / 65536. */
  decide(one) {
    const range = this.high - this.low;
    const split = this.low + (range >>> 16) * one + (((range & 0xffff) * one) >>> 16);
    const bit = this.code <= split;
    if (bit) this.high = split;
    else this.low = split + 1;
    while ((this.low ^ this.high) >>> 24 === 0) {
      this.low = (this.low << 8) >>> 0;
      this.high = ((this.high << 8) | 255) >>> 0;
      this.shift();
    }
    return bit;
  }

  /** A decision that `model` knows something about. */
  bit(model) {
    const one = Math.min(Math.max((model.quick + model.slow) >> 1, SURE), ONE - SURE);
    const bit = this.decide(one);
    if (bit) {
      model.quick += (65535 - model.quick) >> 4;
      model.slow += (65535 - model.slow) >> 6;
    } else {
      model.quick -= model.quick >> 4;
      model.slow -= model.slow >> 6;
    }
    return bit;
  }

  /** An unsigned number of `count` bits, at most 32, of which nothing is known. */
  raw(count) {
    let value = 0;
    for (let index = 0; index < count; index += 1) value = value * 2 + Number(this.decide(HALF));
    return value;
  }
}

/** Numbers from 0 to 2^32 - 2. */
export class Unsigned {
  constructor() {
    this.longer = bits(LENGTHS);
    this.second = bits(LENGTHS);
  }

  /** @param {RangeDecoder} coder where from */
  read(coder) {
    let length = 0;
    while (length < 31 && coder.bit(this.longer[Math.min(length, LENGTHS - 1)])) length += 1;
    if (length === 0) return 0;
    const second = Number(coder.bit(this.second[Math.min(length, LENGTHS - 1)]));
    return (2 + second) * 2 ** (length - 1) + coder.raw(length - 1) - 1;
  }
}

/** Numbers of either sign, in 32 bits. */
export class Signed {
  constructor() {
    this.zero = new Bit();
    this.negative = new Bit();
    this.size = new Unsigned();
  }

  /** @param {RangeDecoder} coder where from */
  read(coder) {
    if (coder.bit(this.zero)) return 0;
    const negative = coder.bit(this.negative);
    const size = (this.size.read(coder) + 1) | 0;
    return negative ? -size | 0 : size;
  }
}

/** One of 8 symbols. */
export class Symbol8 {
  constructor() {
    this.nodes = bits(8);
  }

  /** @param {RangeDecoder} coder where from */
  read(coder) {
    let node = 1;
    while (node < 8) node = node * 2 + Number(coder.bit(this.nodes[node]));
    return node & 7;
  }
}
