// The picture of a world: others between the states that snapshots showed, the player as predicted. Lengths are in
// 1/256 m until they become pixels.

import { Brush } from './brush.js';
import { Effects } from './effects.js';
import { CELL } from './terrain.js';

const WIRE = 8;
const GROUND = ['#4d4a35', '#2f4a34', '#24402f'];
const MONSTERS = [
  { name: 'wolf', colour: '#b7bec6', radius: 115 },
  { name: 'goblin', colour: '#9ac25c', radius: 90 },
  { name: 'bear', colour: '#a9743f', radius: 205 },
];
const LOOT = ['#f1c84b', '#b98b5e', '#e8e4d8'];
const MONSTER = 1;
const PROJECTILE = 2;
const DEAD = 4;
const PLAYER_RADIUS = 102;
/** States that are kept of each entity: over 250 ms of them at any rate of snapshots. */
const KEPT = 24;
/** Without news an entity is shown to go on for no longer. */
const UNTOLD_SECS = 0.25;
/** Nothing goes so far between two snapshots: it was put there. */
const JUMP = 2048;

/** The picture of what a player has in view. */
export class World {
  /** @param {HTMLCanvasElement} canvas where to draw */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.brush = new Brush(this.context);
    this.effects = new Effects();
    this.reset();
  }

  /** Forgets what another connection showed. */
  reset() {
    /** By id: {entity, track, leftAt}, also of those that have left and are still shown. */
    this.bodies = new Map();
    this.effects.reset();
    /** Where the own body is drawn. */
    this.camera = null;
    /** The tick at which the others are drawn. */
    this.tick = 0;
  }

  /** Takes in a snapshot that the player's view already shows. */
  snapshot(player, { left }) {
    const { tick } = player.view.header;
    for (const entity of left) {
      const body = this.bodies.get(entity.id);
      if (body) body.leftAt = tick;
    }
    // A page that is not looked at draws nothing and so forgets nothing.
    for (const [id, body] of this.bodies) if (body.leftAt < tick - player.welcome.tickRate) this.forget(id);
    for (const entity of player.view.slots.values()) {
      let body = this.bodies.get(entity.id);
      if (body?.entity !== entity) {
        body = { entity, track: [], leftAt: Infinity };
        this.bodies.set(entity.id, body);
      }
      const { x, y, vx, vy, heading, action } = entity.state;
      body.track.push({ tick, x: x * WIRE, y: y * WIRE, vx: vx * WIRE, vy: vy * WIRE, heading, action });
      if (body.track.length > KEPT) body.track.shift();
    }
  }

  forget(id) {
    this.bodies.delete(id);
    this.effects.forget(id);
  }

  /** Shows that something lost health. */
  damage(player, event, now) {
    const own = event.subject === player.welcome.entity;
    const body = this.bodies.get(event.subject);
    const place = own ? this.camera : body && this.stateOf(body, player);
    if (place) this.effects.hurt(event.subject, place, String(event.value), own, now);
  }

  /** Shows the player's own strike or shot. */
  act(act, now) {
    if (this.camera) this.effects.act(act, this.camera, now);
  }

  /** The state of a body as it is drawn now, or null if it is not to be seen yet or any more. */
  stateOf(body, player) {
    const { track, leftAt } = body;
    if (this.tick < track[0].tick || this.tick >= leftAt) return null;
    return between(track, this.tick, player.welcome.tickRate);
  }

  /** Where a point of the canvas is in the world, seen from the player. */
  directionTo(clientX, clientY) {
    return { x: clientX - this.canvas.clientWidth / 2, y: clientY - this.canvas.clientHeight / 2 };
  }

  draw(player, now) {
    const { context } = this;
    const [width, height] = this.fit();
    context.fillStyle = '#0b1015';
    context.fillRect(0, 0, width, height);
    if (!player?.predictor) return;
    const radius = player.welcome.interestRadius;
    this.scale = (Math.min(width, height) * 0.5) / (radius * 0.82);
    this.camera = player.place(now);
    this.tick = player.clock.othersTick(now);
    this.size = { width, height };
    this.drawGround(player.terrain);
    this.brush.dashedRing(width / 2, height / 2, radius * this.scale, '#58c4a755');
    for (const { entity, state } of this.seen(player)) this.drawEntity(entity, state, now);
    this.drawOwn(player, now);
    this.effects.draw(this.brush, (x, y) => this.pixel(x, y), this.scale, this.camera, now);
  }

  /** Makes the canvas as large as its place on the page; returns that in pixels of the page. */
  fit() {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return [width, height];
  }

  /** What is to be drawn of others, from below to above; what has left long enough ago is forgotten. */
  seen(player) {
    const seen = [];
    for (const [id, body] of this.bodies) {
      if (this.tick >= body.leftAt) {
        this.forget(id);
        continue;
      }
      const state = this.stateOf(body, player);
      if (state) seen.push({ entity: body.entity, state });
    }
    return seen.sort((a, b) => order(a) - order(b) || a.entity.id - b.entity.id);
  }

  pixel(x, y) {
    return [(x - this.camera.x) * this.scale + this.size.width / 2, (y - this.camera.y) * this.scale + this.size.height / 2];
  }

  drawGround(terrain) {
    const { camera, scale, size, brush } = this;
    const last = Math.ceil(terrain.size / CELL) - 1;
    const range = (at, pixels) => {
      const reach = pixels / 2 / scale;
      return [Math.max(0, Math.floor((at - reach) / CELL)), Math.min(last, Math.floor((at + reach) / CELL))];
    };
    const [left, right] = range(camera.x, size.width);
    const [top, bottom] = range(camera.y, size.height);
    const obstacles = [];
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        brush.square(...this.pixel(x * CELL, y * CELL), CELL * scale + 1, GROUND[terrain.ground(x, y)]);
        const obstacle = terrain.obstacle(x, y);
        if (obstacle) obstacles.push(obstacle);
      }
    }
    for (const { x, y, radius } of obstacles) brush.tree(...this.pixel(x, y), radius * scale * 1.15);
  }

  drawEntity(entity, state, now) {
    const { brush, context, scale } = this;
    const [x, y] = this.pixel(state.x, state.y);
    if (entity.kind === PROJECTILE) {
      brush.disc(x, y, 60 * scale, entity.archetype === 0 ? '#8fd3ff' : '#ffb36b');
      return;
    }
    if (entity.kind > PROJECTILE) {
      brush.square(x - 5, y - 5, 10, LOOT[entity.archetype] ?? '#fff');
      return;
    }
    const monster = entity.kind === MONSTER ? MONSTERS[entity.archetype] : null;
    const radius = Math.max(5, (monster?.radius ?? PLAYER_RADIUS) * scale);
    const dead = state.action === DEAD;
    const colour = this.effects.isFlashing(entity.id, now) ? '#ffffff' : (monster?.colour ?? '#6ea8fe');
    context.globalAlpha = dead ? 0.35 : 1;
    brush.body(x, y, radius, colour, (state.heading / 256) * Math.PI * 2, state.action);
    context.globalAlpha = 1;
    if (dead) return;
    brush.label(x, y - radius - 12, `${entity.name || monster?.name || ''} ${entity.level}`);
    brush.bar(x, y - radius - 8, entity.state.health / 100, monster ? '#e2574c' : '#58c4a7');
  }

  drawOwn(player, now) {
    const { size, scale, brush, context } = this;
    const [x, y] = [size.width / 2, size.height / 2];
    if (player.spectates) {
      brush.label(x, 24, 'spectating');
      return;
    }
    const radius = Math.max(6, player.welcome.radius * scale);
    const dead = player.own.health === 0;
    const colour = this.effects.isFlashing(player.welcome.entity, now) ? '#ffffff' : '#ffd166';
    context.globalAlpha = dead ? 0.4 : 1;
    brush.body(x, y, radius, colour, (player.wish.aim / 65536) * Math.PI * 2, dead ? DEAD : 0);
    context.globalAlpha = 1;
    brush.label(x, y - radius - 12, dead ? 'you are dead' : player.welcome.name);
    brush.bar(x, y - radius - 8, player.own.health / Math.max(1, player.own.healthMax), '#58c4a7');
  }
}

/** The dead lie under the living, loot under both. */
function order({ entity, state }) {
  if (entity.kind > PROJECTILE) return 0;
  return state.action === DEAD ? 1 : 2 + entity.kind;
}

/** The state on a track at a tick: between the two around it, or moved on from the last. */
export function between(track, tick, rate) {
  const index = track.findLastIndex((entry) => entry.tick <= tick);
  const before = track[Math.max(index, 0)];
  const after = track[index + 1];
  if (!after) {
    const seconds = Math.min((tick - before.tick) / rate, UNTOLD_SECS);
    return { ...before, x: before.x + before.vx * seconds, y: before.y + before.vy * seconds };
  }
  const [dx, dy] = [after.x - before.x, after.y - before.y];
  if (index < 0 || Math.hypot(dx, dy) > JUMP) return before;
  const share = (tick - before.tick) / (after.tick - before.tick);
  const turn = ((after.heading - before.heading + 128) & 255) - 128;
  return { ...before, x: before.x + dx * share, y: before.y + dy * share, heading: before.heading + turn * share };
}
