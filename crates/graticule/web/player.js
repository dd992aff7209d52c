// A player in a world: the connection to the zone host, and what it tells. See PROTOCOL.md.

import { Actions } from './actions.js';
import { HostClock } from './clock.js';
import { Inputs } from './inputs.js';
import { Link } from './link.js';
import { KIND, hello, named, resume } from './messages.js';
import { Decoder, encode } from './msgpack.js';
import { Corrections, Predictor } from './prediction.js';
import { Terrain } from './terrain.js';
import { View } from './view.js';

const HEARTBEAT_MS = 1000;
/** After these reasons of a Bye a client joins again through the API. */
const JOIN_AGAIN = new Set([3, 7, 8, 11]);
const RETRY_MS = [200, 500, 1000, 2000, 4000];
const RESUMES = 3;
/** A host that takes the connection but does not say Welcome is given up after this. */
const WELCOME_MS = 10000;
/** The death of a host is noticed within 3 s; this is some more. */
const ENTER_MS = 10000;

/**
 * Plays in a world. Events (CustomEvent, data in `detail`): `welcome`, `snapshot`, `act`, `event`, `notice`, `closed`,
 * `error`.
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
    this.view = null;
    /** The own body as the host told of it last, and as it is taken to be now. */
    this.own = null;
    this.predictor = null;
    this.corrections = new Corrections();
    this.left = false;
  }

  /** Joins, and stays in until `leave`. A host that died or drains unnoticed is left for another try. */
  async play() {
    const end = performance.now() + ENTER_MS;
    for (;;) {
      const { url, ticket, instance } = await this.services.join(this.zone, this.character);
      if (this.left) return;
      this.instance = instance;
      try {
        await this.connect(url, hello(ticket));
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
    return Boolean(this.socket?.open && this.welcome) && !this.entering;
  }

  connect(url, first) {
    // Inputs acknowledge snapshots of the old connection, which the new one never sent.
    this.stopPacing();
    this.url = url;
    this.entering = true;
    this.bye = null;
    let fault = null;
    return new Promise((resolve, reject) => {
      const socket = new Link(url);
      this.socket = socket;
      const patience = setTimeout(() => {
        if (!this.entering) return;
        fault = new Error('the host does not let the player in');
        socket.close();
      }, WELCOME_MS);
      socket.onopen = () => this.send(...first);
      socket.onmessage = (bytes) => {
        if (socket !== this.socket) return;
        try {
          this.receive(bytes);
          if (this.entering) return;
          clearTimeout(patience);
          resolve();
        } catch (error) {
          fault = error;
          // What follows cannot be understood any more.
          socket.onmessage = null;
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
        if (token && attempt < RESUMES) await this.connect(url, resume(token));
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
    if (this.socket?.open) this.send(KIND.bye, [0, '']);
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
    const message = named(kind, fields);
    switch (kind) {
      case 16: this.start(message); break;
      case 17: this.show(message.body); break;
      case 18: this.tell('event', message); break;
      case 19: this.actions.confirmed(message, performance.now()); break;
      case 20: this.pingMs = Math.max(0, (this.millis() - message.clientTime) - message.heldUs / 1000); break;
      case 21: this.redirect(message.url, message.ticket); break;
      case 22: this.tell('error', new Error(message.text)); break;
      case 23: this.heed(message); break;
      case 5: this.bye = message; break;
      default: break;
    }
  }

  /** Passes a notice on. When the world has changed what is predicted with, it comes back to be told anew. */
  heed(notice) {
    this.tell('notice', notice);
    if (notice.topic !== 'content') return;
    try {
      if (JSON.parse(notice.body).reload === true) this.socket.close();
    } catch {
      // A body of another form is of no use.
    }
  }

  millis() {
    return Math.trunc(performance.now());
  }

  start(welcome) {
    this.stopPacing();
    this.welcome = welcome;
    this.terrain = new Terrain(welcome.terrainSeed, welcome.size, welcome.obstaclePermille);
    /** Whether the player only looks on: without a body, so nothing is in the way. */
    this.spectates = welcome.entity === 0;
    this.ground = this.spectates ? new Terrain(welcome.terrainSeed, welcome.size, 0) : this.terrain;
    this.view = new View(welcome.tickRate);
    this.clock = new HostClock(welcome.tickRate, welcome.ticksPerSnapshot);
    this.actions = new Actions(welcome.tickRate);
    this.own = null;
    this.predictor = null;
    this.entering = false;
    const beat = () => { if (this.socket.open) this.send(KIND.heartbeat, [this.millis()]); };
    this.beats = setInterval(beat, HEARTBEAT_MS);
    beat();
    this.tell('welcome', welcome);
  }

  stopPacing() {
    clearInterval(this.beats);
    this.inputs?.stop();
    this.inputs = null;
  }

  show(body) {
    const now = performance.now();
    const changes = this.view.apply(body);
    const { header } = this.view;
    this.own = header.own;
    this.totals.snapshots += 1;
    this.clock.arrived(header.tick, now);
    if (header.input > 0) this.clock.steer(header.lead);
    if (this.predictor) {
      const due = Math.floor(this.clock.ownTick(now));
      const revived = this.predictor.dead && header.own.health > 0;
      const distance = this.predictor.correct(header, due, now);
      // Where one comes back to life is not for predicting.
      if (!revived) this.corrections.add(distance, now);
    } else {
      this.predictor = new Predictor(this.ground, this.welcome, this.welcome.tickRate, header);
      this.inputs = new Inputs(this.wish, (sequence, wish) => this.sendInput(sequence, wish));
    }
    this.tell('snapshot', changes);
  }

  sendInput(sequence, { x, y, aim, action }) {
    if (!this.socket.open) return;
    const now = performance.now();
    this.bodyTick(now);
    const tick = this.predictor.tick + 1;
    const seen = Math.max(0, Math.round(this.clock.othersTick(now)));
    this.predictor.sent(sequence, tick, { x, y });
    if (action !== 0) this.actions.sent(sequence, action);
    this.send(KIND.input, [sequence, this.view.sequence, tick, seen, x, y, aim, action]);
  }

  /** Brings the own body to `now` (ms): the tick that it is at, with a fraction. */
  bodyTick(now) {
    const tick = this.clock.ownTick(now);
    this.predictor.advance(Math.floor(tick));
    return tick;
  }

  /** Where the own body is drawn, {x, y} in 1/256 m. */
  place(now) {
    return this.predictor.drawn(this.bodyTick(now), now);
  }

  /** Wishes to walk, -127 to 127 along each axis. */
  steer(x, y) {
    if (x === this.wish.x && y === this.wish.y) return;
    Object.assign(this.wish, { x, y });
    this.inputs?.changed();
  }

  /** Does 1, a strike, or 2, a shot; `again` while a key is held. Told as `act` if it is to be seen at once. */
  act(action, again = false) {
    if (!this.inputs || this.own.health === 0) return;
    const likely = this.actions.begin(action, performance.now());
    if (again && !likely) return;
    this.wish.action = action;
    this.inputs.changed();
    if (likely) this.tell('act', { action, aim: this.wish.aim });
  }

  redirect(url, ticket) {
    const old = this.socket;
    this.connect(url, hello(ticket))
      .catch((error) => {
        this.tell('error', error);
        // The ticket is spent and the old host has let go: only the API can help.
        this.bye = { reason: 3, text: error.message };
        this.recover();
      })
      .finally(() => old.close());
  }
}
