// The socket as the page uses it, and the switch that makes a network of a longer and worse one.

/** What the switch offers. */
export const NETWORKS = [
  { name: 'Off', delayMs: 0, loss: 0 },
  { name: '150 ms, 2 %', delayMs: 75, loss: 0.02 },
];

let network = NETWORKS[0];

/** Lets all links be this network from the next frame on. */
export function useNetwork(chosen) {
  network = chosen;
}

/** The network that all links are. */
export function networkInUse() {
  return network;
}

/**
 * One direction of a link. Nothing is lost and nothing overtakes, as over TCP: what is lost there is sent again
 * after another round trip, and all that follows waits behind it.
 */
export class DelayLine {
  constructor() {
    this.waiting = [];
    this.timer = null;
  }

  /** Calls `deliver` when the network has brought it. */
  push(deliver) {
    const { delayMs, loss } = network;
    const now = performance.now();
    const again = Math.random() < loss ? 2 * delayMs : 0;
    const due = Math.max(now + delayMs + again, this.waiting.at(-1)?.due ?? 0);
    if (due <= now && this.waiting.length === 0) {
      deliver();
      return;
    }
    this.waiting.push({ due, deliver });
    if (this.waiting.length === 1) this.wait(now);
  }

  wait(now) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.deliverDue(), Math.max(0, this.waiting[0].due - now));
  }

  deliverDue() {
    // Timers may come a little early; a millisecond is not worth another wait.
    const until = performance.now() + 1;
    while (this.waiting.length > 0 && this.waiting[0].due <= until) this.waiting.shift().deliver();
    if (this.waiting.length > 0) this.wait(until);
  }
}

/** A WebSocket behind the network in use; of its interface the part that the page needs. */
export class Link {
  /** @param {string} url where to connect */
  constructor(url) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = 'arraybuffer';
    this.up = new DelayLine();
    this.down = new DelayLine();
    this.closing = false;
    this.onopen = null;
    this.onmessage = null;
    this.onclose = null;
    this.socket.onopen = () => this.down.push(() => this.onopen?.());
    this.socket.onmessage = ({ data }) => this.down.push(() => this.onmessage?.(new Uint8Array(data)));
    // Behind the last message, which tells why.
    this.socket.onclose = () => this.down.push(() => this.onclose?.());
  }

  /** Whether frames can be sent. */
  get open() {
    return !this.closing && this.socket.readyState === WebSocket.OPEN;
  }

  /** @param {Uint8Array} bytes a frame */
  send(bytes) {
    this.up.push(() => {
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
    });
  }

  /** Closes when what was sent is gone. */
  close() {
    this.closing = true;
    this.up.push(() => this.socket.close());
  }
}
