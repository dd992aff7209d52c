// Draws a world on a canvas. Lengths are in 1/256 m until they become pixels.

import { CELL } from './terrain.js';

const METRE = 256;
const WIRE = 8;
/** Others are shown this long ago, between two snapshots that are both known. */
const DELAY_MS = 150;
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

/** The picture of what a player has in view. */
export class World {
  /** @param {HTMLCanvasElement} canvas where to draw */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.tracks = new Map();
    this.floats = [];
    this.flashes = new Map();
    this.own = [];
  }

  /** Forgets what another connection showed. */
  reset() {
    this.tracks.clear();
    this.floats = [];
    this.flashes.clear();
    this.own = [];
  }

  /** Takes in a snapshot that the player's view already shows. */
  snapshot(player, now) {
    const alive = new Set();
    for (const entity of player.view.slots.values()) {
      alive.add(entity.id);
      const track = this.tracks.get(entity.id) ?? [];
      track.push({ at: now, x: entity.state.x * WIRE, y: entity.state.y * WIRE });
      if (track.length > 8) track.shift();
      this.tracks.set(entity.id, track);
    }
    for (const id of this.tracks.keys()) {
      if (alive.has(id)) continue;
      this.tracks.delete(id);
      this.flashes.delete(id);
    }
    this.own.push({ at: now, x: player.own.x, y: player.own.y });
    if (this.own.length > 8) this.own.shift();
  }

  /** Shows that something lost health. */
  damage(player, event, now) {
    const place = event.subject === player.welcome.entity ? player.own : this.placeOf(event.subject, now);
    if (!place) return;
    this.floats.push({ x: place.x, y: place.y, at: now, text: String(event.value), own: event.subject === player.welcome.entity });
    this.flashes.set(event.subject, now);
  }

  placeOf(id, now) {
    const track = this.tracks.get(id);
    return track && between(track, now - DELAY_MS);
  }

  /** Where a point of the canvas is in the world, seen from the player. */
  directionTo(clientX, clientY) {
    return { x: clientX - this.canvas.clientWidth / 2, y: clientY - this.canvas.clientHeight / 2 };
  }

  draw(player, now) {
    const { canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = '#0b1015';
    context.fillRect(0, 0, width, height);
    if (!player?.own || this.own.length === 0) return;
    const radius = player.welcome.interestRadius;
    this.scale = (Math.min(width, height) * 0.5) / (radius * 0.82);
    this.camera = between(this.own, now - DELAY_MS);
    this.size = { width, height };
    this.drawGround(player);
    this.drawSight(radius);
    const entities = [...player.view.slots.values()];
    // The dead lie under the living, loot under both.
    entities.sort((a, b) => order(a) - order(b) || a.id - b.id);
    for (const entity of entities) this.drawEntity(entity, now);
    this.drawOwn(player, now);
    this.drawFloats(now);
  }

  pixel(x, y) {
    return [(x - this.camera.x) * this.scale + this.size.width / 2, (y - this.camera.y) * this.scale + this.size.height / 2];
  }

  drawGround(player) {
    const { context, camera, scale, size } = this;
    const { terrain } = player;
    const reachX = size.width / 2 / scale;
    const reachY = size.height / 2 / scale;
    const last = Math.ceil(terrain.size / CELL) - 1;
    const range = (at, reach) => [Math.max(0, Math.floor((at - reach) / CELL)), Math.min(last, Math.floor((at + reach) / CELL))];
    const [left, right] = range(camera.x, reachX);
    const [top, bottom] = range(camera.y, reachY);
    const edge = CELL * scale + 1;
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const [px, py] = this.pixel(x * CELL, y * CELL);
        context.fillStyle = GROUND[terrain.ground(x, y)];
        context.fillRect(px, py, edge, edge);
      }
    }
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const obstacle = terrain.obstacle(x, y);
        if (!obstacle) continue;
        const [px, py] = this.pixel(obstacle.x, obstacle.y);
        this.disc(px + 3, py + 4, obstacle.radius * scale * 1.15, '#00000055');
        this.disc(px, py, obstacle.radius * scale * 1.15, '#173523', '#0d2217');
        this.disc(px - obstacle.radius * scale * 0.25, py - obstacle.radius * scale * 0.3, obstacle.radius * scale * 0.6, '#20492f');
      }
    }
  }

  drawSight(radius) {
    const { context, size, scale } = this;
    context.beginPath();
    context.arc(size.width / 2, size.height / 2, radius * scale, 0, Math.PI * 2);
    context.strokeStyle = '#58c4a755';
    context.setLineDash([6, 8]);
    context.lineWidth = 1.5;
    context.stroke();
    context.setLineDash([]);
  }

  drawEntity(entity, now) {
    const place = this.placeOf(entity.id, now);
    if (!place) return;
    const [x, y] = this.pixel(place.x, place.y);
    const { context, scale } = this;
    const flash = now - (this.flashes.get(entity.id) ?? -1e9) < 140;
    if (entity.kind === PROJECTILE) {
      this.disc(x, y, 60 * scale, entity.archetype === 0 ? '#8fd3ff' : '#ffb36b');
      return;
    }
    if (entity.kind > PROJECTILE) {
      context.fillStyle = LOOT[entity.archetype] ?? '#fff';
      context.fillRect(x - 5, y - 5, 10, 10);
      return;
    }
    const monster = entity.kind === MONSTER ? MONSTERS[entity.archetype] : null;
    const radius = Math.max(5, (monster?.radius ?? PLAYER_RADIUS) * scale);
    const dead = entity.state.action === DEAD;
    context.globalAlpha = dead ? 0.35 : 1;
    const colour = flash ? '#ffffff' : (monster?.colour ?? '#6ea8fe');
    this.body(x, y, radius, colour, (entity.state.heading / 256) * Math.PI * 2, entity.state.action);
    context.globalAlpha = 1;
    if (dead) return;
    this.label(x, y - radius - 12, `${entity.name || monster?.name || ''} ${entity.level}`);
    this.bar(x, y - radius - 8, entity.state.health / 100, monster ? '#e2574c' : '#58c4a7');
  }

  drawOwn(player, now) {
    const { size, scale } = this;
    const [x, y] = [size.width / 2, size.height / 2];
    const flash = now - (this.flashes.get(player.welcome.entity) ?? -1e9) < 140;
    const radius = Math.max(6, PLAYER_RADIUS * scale);
    const dead = player.own.health === 0;
    this.context.globalAlpha = dead ? 0.4 : 1;
    this.body(x, y, radius, flash ? '#ffffff' : '#ffd166', (player.wish.aim / 65536) * Math.PI * 2, dead ? DEAD : 0);
    this.context.globalAlpha = 1;
    this.label(x, y - radius - 12, dead ? 'you are dead' : player.welcome.name);
    this.bar(x, y - radius - 8, player.own.health / Math.max(1, player.own.healthMax), '#58c4a7');
  }

  body(x, y, radius, colour, angle, action) {
    const { context } = this;
    this.disc(x + 2, y + 3, radius, '#00000055');
    this.disc(x, y, radius, colour, '#00000088');
    context.beginPath();
    context.moveTo(x, y);
    const reach = action === 2 || action === 3 ? 1.9 : 1.35;
    context.lineTo(x + Math.cos(angle) * radius * reach, y + Math.sin(angle) * radius * reach);
    context.strokeStyle = action === 2 ? '#fff' : '#000000aa';
    context.lineWidth = 2.5;
    context.stroke();
  }

  disc(x, y, radius, fill, stroke) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, Math.PI * 2);
    context.fillStyle = fill;
    context.fill();
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = 1;
      context.stroke();
    }
  }

  label(x, y, text) {
    const { context } = this;
    context.font = '12px system-ui, sans-serif';
    context.textAlign = 'center';
    context.fillStyle = '#000000aa';
    context.fillText(text, x + 1, y + 1);
    context.fillStyle = '#e6edf3';
    context.fillText(text, x, y);
  }

  bar(x, y, share, colour) {
    const { context } = this;
    context.fillStyle = '#000000aa';
    context.fillRect(x - 16, y, 32, 4);
    context.fillStyle = colour;
    context.fillRect(x - 16, y, 32 * Math.min(1, Math.max(0, share)), 4);
  }

  drawFloats(now) {
    this.floats = this.floats.filter((float) => now - float.at < 900);
    const { context } = this;
    context.font = 'bold 14px system-ui, sans-serif';
    context.textAlign = 'center';
    for (const float of this.floats) {
      const age = (now - float.at) / 900;
      const [x, y] = this.pixel(float.x, float.y);
      context.globalAlpha = 1 - age;
      context.fillStyle = float.own ? '#ff7b72' : '#ffe08a';
      context.fillText(float.text, x, y - 18 - age * 24);
    }
    context.globalAlpha = 1;
  }
}

function order(entity) {
  if (entity.kind > PROJECTILE) return 0;
  return entity.state.action === DEAD ? 1 : 2 + entity.kind;
}

/** The place on a track at a time, between the two entries around it. */
function between(track, at) {
  let before = track[0];
  for (const entry of track) {
    if (entry.at > at) {
      const share = entry.at === before.at ? 1 : Math.max(0, (at - before.at) / (entry.at - before.at));
      return { x: before.x + (entry.x - before.x) * share, y: before.y + (entry.y - before.y) * share };
    }
    before = entry;
  }
  return before;
}
