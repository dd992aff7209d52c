// A player in a world: the connection to the zone host, and what it tells. See PROTOCOL.md.

import { Decoder, encode } from './msgpack.js';
import { Terrain } from './terrain.js';
import { View } from './view.js';

const VERSION = 1;
const KIND = { hello: 1, resume: 2, input: 3, heartbeat: 4, bye: 5 };
const INPUT_MS = 100;
/** After these reasons of a Bye a client joins again through the API. */
const JOIN_AGAIN = new Set([3, 7, 8, 11]);
const RETRY_MS = [200, 500, 1000, 2000, 4000];
const RESUMES = 3;
/** A host that takes the connection but does not say Welcome is given up after this. */
const WELCOME_MS = 10000;
/** The death of a host is noticed within 3 s; this is some more. */
const ENTER_MS = 10000;

const WELCOME = [
  'version', 'entity', 'character', 'name', 'zone', 'tick', 'tickRate', 'ticksPerSnapshot', 'size', 'interestRadius',
  'terrainSeed', 'obstaclePermille', 'xp', 'resumeToken', 'graceSecs',
];
const STATE = ['sequence', 'baseline', 'tick', 'stampUs', 'input', 'x', 'y', 'health', 'healthMax', 'body'];

const named = (names, fields) => Object.fromEntries(names.map((name, index) => [name, fields[index]]));

/**
 * Plays in a world. Events (CustomEvent, data in `detail`): `welcome`, `snapshot`, `event`, `confirm`, `closed`, `error`.
 */
export class Player extends EventTarget {
  /**
   * @param {import('./services.js').Services} services signed in
   * @param {string} zone where to play
   * @param {string} character who plays
   */
  constructor(services, zone, character) {
    super();
    Object.assign(this, { services, zone, character });
    this.wish = { x: 0, y: 0, aim: 0, action: 0 };
    this.totals = { bytesIn: 0, bytesOut: 0, snapshots: 0 };
    this.pingMs = null;
    this.view = new View();
    this.left = false;
  }

  /** Joins, and stays in until `leave`. A host that died or drains unnoticed is left for another try. */
  async play() {
    const end = performance.now() + ENTER_MS;
    for (;;) {
      const { url, ticket } = await this.services.join(this.zone, this.character);
      if (this.left) return;
      try {
        await this.connect(url, [KIND.hello, [VERSION, ticket]]);
        return;
      } catch (error) {
        const mended = !this.bye || JOIN_AGAIN.has(this.bye.reason);
        if (!mended || this.left || performance.now() > end) throw error;
        await new Promise((resolve) => { setTimeout(resolve, RETRY_MS[1]); });
      }
    }
  }

  /** Whether the host has let the player in. */
  get connected() {
    return this.socket?.readyState === WebSocket.OPEN && Boolean(this.welcome) && !this.entering;
  }

  connect(url, first) {
    // Inputs acknowledge snapshots of the old connection, which the new one never sent.
    this.stopPacing();
    this.url = url;
    this.entering = true;
    this.bye = null;
    let fault = null;
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      this.socket = socket;
      const patience = setTimeout(() => {
        if (!this.entering) return;
        fault = new Error('the host does not let the player in');
        socket.close();
      }, WELCOME_MS);
      socket.onopen = () => this.send(...first);
      socket.onmessage = ({ data }) => {
        if (socket !== this.socket) return;
        try {
          this.receive(new Uint8Array(data));
          if (this.entering) return;
          clearTimeout(patience);
          resolve();
        } catch (error) {
          fault = error;
          this.tell('error', error);
          socket.close();
        }
      };
      socket.onclose = () => {
        clearTimeout(patience);
        if (socket !== this.socket) return;
        this.stopPacing();
        if (this.entering) reject(new Error(this.bye?.text ?? fault?.message ?? `${url} cannot be reached`));
        else this.recover();
      };
    });
  }

  /** The connection is gone: come back into the same body, or join again, or tell why not. */
  async recover() {
    const { bye } = this;
    if (this.left) return;
    if (bye && !JOIN_AGAIN.has(bye.reason)) {
      this.tell('closed', bye);
      return;
    }
    let token = bye ? null : this.welcome.resumeToken;
    const { url } = this;
    const end = performance.now() + this.welcome.graceSecs * 1000;
    for (let attempt = 0; performance.now() < end; attempt += 1) {
      await new Promise((resolve) => { setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]); });
      if (this.left) return;
      try {
        // A host that stays away may be gone for good: the API knows where the zone is now.
        if (token && attempt < RESUMES) await this.connect(url, [KIND.resume, [VERSION, token]]);
        else await this.play();
        return;
      } catch (error) {
        this.tell('error', error);
        // A token that was refused once is refused for good.
        if (this.bye) token = null;
      }
    }
    this.tell('closed', { reason: 11, text: 'the host cannot be reached any more' });
  }

  /** Leaves the world. */
  leave() {
    this.left = true;
    if (this.socket?.readyState === WebSocket.OPEN) this.send(KIND.bye, [0, '']);
    this.stopPacing();
    this.socket?.close();
    this.tell('closed', null);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  send(...messages) {
    const bytes = [];
    for (const value of messages) encode(bytes, value);
    this.totals.bytesOut += bytes.length;
    this.socket.send(Uint8Array.from(bytes));
  }

  receive(bytes) {
    this.totals.bytesIn += bytes.length;
    const decoder = new Decoder(bytes);
    while (!decoder.done) {
      const kind = decoder.value();
      this.take(kind, decoder.value());
    }
  }

  take(kind, fields) {
    switch (kind) {
      case 16: this.start(named(WELCOME, fields)); break;
      case 17: this.show(named(STATE, fields)); break;
      case 18: this.tell('event', named(['kind', 'subject', 'object', 'value'], fields)); break;
      case 19: this.tell('confirm', named(['input', 'outcome', 'cooldownTicks'], fields)); break;
      case 20: this.pingMs = Math.max(0, (this.clock() - fields[0]) - fields[1] / 1000); break;
      case 21: this.redirect(fields[0], fields[1]); break;
      case 22: this.tell('error', new Error(fields[1])); break;
      case 5: this.bye = { reason: fields[0], text: fields[1] }; break;
      default: break;
    }
  }

  clock() {
    return Math.trunc(performance.now());
  }

  start(welcome) {
    this.welcome = welcome;
    this.terrain = new Terrain(welcome.terrainSeed, welcome.size, welcome.obstaclePermille);
    this.view = new View();
    this.own = null;
    this.sequence = 0;
    this.entering = false;
    this.stopPacing();
    let beats = 0;
    this.pace = setInterval(() => {
      if (this.socket.readyState !== WebSocket.OPEN) return;
      this.sendInput();
      beats += 1;
      if (beats % 10 === 0) this.send(KIND.heartbeat, [this.clock()]);
    }, INPUT_MS);
    this.tell('welcome', welcome);
  }

  stopPacing() {
    clearInterval(this.pace);
  }

  sendInput() {
    this.sequence += 1;
    const { x, y, aim, action } = this.wish;
    const tick = this.own?.tick ?? this.welcome.tick;
    this.send(KIND.input, [this.sequence, this.view.sequence, tick, x, y, aim, action]);
    this.wish.action = 0;
  }

  show(state) {
    const changes = this.view.apply(state.sequence, state.baseline, state.body);
    this.own = state;
    this.totals.snapshots += 1;
    this.tell('snapshot', { state, changes });
  }

  redirect(url, ticket) {
    const old = this.socket;
    this.connect(url, [KIND.hello, [VERSION, ticket]])
      .catch((error) => {
        this.tell('error', error);
        // The ticket is spent and the old host has let go: only the API can help.
        this.bye = { reason: 3, text: error.message };
        this.recover();
      })
      .finally(() => old.close());
  }
}
