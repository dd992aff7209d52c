// MessagePack as the protocol uses it: integers, strings, bins and arrays out; anything without maps in.

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true });

/**
 * Appends a value to a list of bytes.
 * @param {number[]} bytes where to
 * @param {number|string|Uint8Array|Array} value what
 */
export function encode(bytes, value) {
  if (typeof value === 'number') {
    encodeInteger(bytes, value);
  } else if (typeof value === 'string') {
    const data = utf8.encode(value);
    if (data.length < 32) bytes.push(0xa0 | data.length);
    else if (data.length < 256) bytes.push(0xd9, data.length);
    else bytes.push(0xda, data.length >> 8, data.length & 255);
    bytes.push(...data);
  } else if (value instanceof Uint8Array) {
    if (value.length > 255) throw new RangeError('a bin is too long');
    bytes.push(0xc4, value.length, ...value);
  } else if (Array.isArray(value)) {
    if (value.length > 15) throw new RangeError('an array is too long');
    bytes.push(0x90 | value.length);
    for (const item of value) encode(bytes, item);
  } else {
    throw new TypeError(`cannot encode ${typeof value}`);
  }
}

function encodeInteger(bytes, value) {
  if (!Number.isInteger(value)) throw new RangeError(`${value} is not an integer`);
  if (value >= 0) {
    if (value < 128) bytes.push(value);
    else if (value < 0x100) bytes.push(0xcc, value);
    else if (value < 0x10000) bytes.push(0xcd, value >> 8, value & 255);
    else if (value < 0x100000000) bytes.push(0xce, value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
    else throw new RangeError(`${value} has over 32 bits`);
  } else if (value >= -32) {
    bytes.push(value & 255);
  } else if (value >= -128) {
    bytes.push(0xd0, value & 255);
  } else {
    throw new RangeError(`${value} has over 8 bits`);
  }
}

/** Reads MessagePack values one after the other. Throws RangeError where the bytes end too early. */
export class Decoder {
  /** @param {Uint8Array} bytes what to read */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** Whether all is read. */
  get done() {
    return this.at === this.bytes.length;
  }

  take(count) {
    if (this.at + count > this.bytes.length) throw new RangeError('the message is cut off');
    this.at += count;
    return this.at - count;
  }

  slice(count) {
    const from = this.take(count);
    return this.bytes.subarray(from, from + count);
  }

  items(count, depth) {
    if (depth > 8) throw new RangeError('the message nests too deep');
    if (count > this.bytes.length - this.at) throw new RangeError('the message is cut off');
    return Array.from({ length: count }, () => this.value(depth + 1));
  }

  /** The next value; 64-bit integers as numbers. */
  value(depth = 0) {
    const kind = this.bytes[this.take(1)];
    if (kind < 0x80) return kind;
    if (kind >= 0xe0) return kind - 0x100;
    if (kind < 0x90) return this.items((kind & 15) * 2, depth);
    if (kind < 0xa0) return this.items(kind & 15, depth);
    if (kind < 0xc0) return text.decode(this.slice(kind & 31));
    const { view } = this;
    switch (kind) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.slice(view.getUint8(this.take(1)));
      case 0xc5: return this.slice(view.getUint16(this.take(2)));
      case 0xc6: return this.slice(view.getUint32(this.take(4)));
      case 0xca: return view.getFloat32(this.take(4));
      case 0xcb: return view.getFloat64(this.take(8));
      case 0xcc: return view.getUint8(this.take(1));
      case 0xcd: return view.getUint16(this.take(2));
      case 0xce: return view.getUint32(this.take(4));
      case 0xcf: return Number(view.getBigUint64(this.take(8)));
      case 0xd0: return view.getInt8(this.take(1));
      case 0xd1: return view.getInt16(this.take(2));
      case 0xd2: return view.getInt32(this.take(4));
      case 0xd3: return Number(view.getBigInt64(this.take(8)));
      case 0xd9: return text.decode(this.slice(view.getUint8(this.take(1))));
      case 0xda: return text.decode(this.slice(view.getUint16(this.take(2))));
      case 0xdb: return text.decode(this.slice(view.getUint32(this.take(4))));
      case 0xdc: return this.items(view.getUint16(this.take(2)), depth);
      case 0xdd: return this.items(view.getUint32(this.take(4)), depth);
      default: throw new RangeError(`0x${kind.toString(16)} is not of the protocol`);
    }
  }
}
