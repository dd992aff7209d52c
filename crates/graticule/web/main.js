// The page: one button to play, keys and mouse, and what a player wants to know.

import { buildChat } from './chat.js';
import { networkInUse } from './link.js';
import { lineOf } from './notices.js';
import { buildSwitch, showNetwork } from './panel.js';
import { Player } from './player.js';
import { Services } from './services.js';
import { World } from './world.js';

const $ = (id) => document.getElementById(id);
const KEYS = {
  KeyW: [0, -1], ArrowUp: [0, -1], KeyS: [0, 1], ArrowDown: [0, 1], KeyA: [-1, 0], ArrowLeft: [-1, 0], KeyD: [1, 0], ArrowRight: [1, 0],
};
const NAMES = ['Ada', 'Bran', 'Cora', 'Dario', 'Edda', 'Falk', 'Greta', 'Hugo', 'Ines', 'Joris', 'Kaja', 'Lune'];
const LEVEL_MAX = 60;

const world = new World($('world'));
const held = new Set();
let player = null;
let rates = { bytesIn: 0, bytesOut: 0 };
let last = { bytesIn: 0, bytesOut: 0, at: performance.now() };
let xp = 0;
let errors = 0;

/** What browser tests and curious people read. */
window.graticule = {
  get player() { return player; },
  stats() {
    return {
      connected: player?.connected ?? false,
      zone: player?.welcome?.zone ?? null,
      entity: player?.welcome?.entity ?? null,
      x: player?.own?.x ?? null,
      y: player?.own?.y ?? null,
      health: player?.own?.health ?? null,
      drawn: world.camera,
      entities: player?.view?.slots.size ?? 0,
      pingMs: player?.pingMs ?? null,
      network: networkInUse().name,
      lead: player?.view?.header.lead ?? null,
      aheadTicks: player?.clock?.ahead ?? null,
      othersTick: world.tick,
      bytesInPerSecond: rates.bytesIn,
      bytesOutPerSecond: rates.bytesOut,
      snapshots: player?.totals.snapshots ?? 0,
      corrections: player?.corrections.samples ?? [],
      errors,
    };
  },
};

function fail(error) {
  $('fault').textContent = error.message;
  $('fault').hidden = false;
}

function log(text) {
  const line = document.createElement('li');
  line.textContent = text;
  $('log').append(line);
  while ($('log').children.length > 6) $('log').firstChild.remove();
}

function show(playing) {
  $('start').hidden = playing;
  $('hud').hidden = !playing;
  $('log').hidden = !playing;
  $('chat').hidden = true;
  $('play').disabled = false;
}

function levelOf(experience) {
  let level = 1;
  while (level < LEVEL_MAX && 50 * level * (level + 1) <= experience) level += 1;
  return level;
}

function nameOf(id) {
  if (id === player.welcome.entity) return 'you';
  for (const entity of player.view.slots.values()) {
    if (entity.id === id) return entity.name || ['wolf', 'goblin', 'bear'][entity.archetype];
  }
  return 'someone';
}

function happened(event) {
  const now = performance.now();
  const own = player.welcome.entity;
  if (event.kind === 0) world.damage(player, event, now);
  if (event.kind === 1 && (event.subject === own || event.object === own)) log(`${nameOf(event.object)} killed ${nameOf(event.subject)}`);
  if (event.kind === 3 && event.subject === own) log(`you found ${event.value} ${['coin', 'hide', 'fang'][event.object] ?? 'thing'}`);
  if (event.kind === 4) xp = event.value;
  if (event.kind === 5 && event.subject === own) log(`you are level ${event.value} now`);
}

async function play(config, zone) {
  $('fault').hidden = true;
  $('play').disabled = true;
  try {
    const services = await Services.signIn(config.edge_url);
    const name = `${NAMES[Math.floor(Math.random() * NAMES.length)]} ${Math.floor(Math.random() * 100000)}`;
    const character = await services.character(name);
    player = new Player(services, zone, character.id);
    player.addEventListener('welcome', ({ detail }) => { world.reset(); xp = detail.xp; });
    player.addEventListener('snapshot', ({ detail }) => world.snapshot(player, detail));
    player.addEventListener('act', ({ detail }) => world.act(detail, performance.now()));
    player.addEventListener('event', ({ detail }) => happened(detail));
    player.addEventListener('notice', ({ detail }) => {
      const line = lineOf(detail);
      if (line) log(line);
    });
    player.addEventListener('error', ({ detail }) => { errors += 1; log(detail.message); });
    player.addEventListener('closed', ({ detail }) => {
      show(false);
      if (detail) fail(new Error(detail.text));
    });
    await player.play();
    $('hud-zone').textContent = player.welcome.zone;
    show(true);
  } catch (error) {
    $('play').disabled = false;
    fail(error);
  }
}

function steer() {
  if (!player?.welcome) return;
  let x = 0;
  let y = 0;
  for (const code of held) {
    x += KEYS[code][0];
    y += KEYS[code][1];
  }
  const length = Math.hypot(x, y) || 1;
  player.steer(Math.trunc((x / length) * 127), Math.trunc((y / length) * 127));
}

function listen() {
  window.addEventListener('keydown', (event) => {
    if (!player?.connected) return;
    if (KEYS[event.code]) held.add(event.code);
    else if (event.code === 'Space') player.act(1, event.repeat);
    else if (event.code === 'KeyE') player.act(2, event.repeat);
    else return;
    event.preventDefault();
    steer();
  });
  window.addEventListener('keyup', (event) => { held.delete(event.code); steer(); });
  window.addEventListener('blur', () => { held.clear(); steer(); });
  const canvas = $('world');
  canvas.addEventListener('mousemove', (event) => {
    if (!player) return;
    const { x, y } = world.directionTo(event.clientX, event.clientY);
    player.wish.aim = Math.round((Math.atan2(y, x) / (Math.PI * 2)) * 65536) & 0xffff;
  });
  canvas.addEventListener('mousedown', (event) => player?.act(event.button === 2 ? 2 : 1));
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  $('leave').addEventListener('click', () => player?.leave());
}

function tellRates() {
  if (!player) return;
  const now = performance.now();
  const { bytesIn, bytesOut } = player.totals;
  const seconds = (now - last.at) / 1000;
  const rate = (total, before) => Math.max(0, Math.round((total - before) / seconds));
  rates = { bytesIn: rate(bytesIn, last.bytesIn), bytesOut: rate(bytesOut, last.bytesOut) };
  last = { bytesIn, bytesOut, at: now };
  $('hud-in').textContent = `${rates.bytesIn} B/s`;
  $('hud-out').textContent = `${rates.bytesOut} B/s`;
}

function frame() {
  world.draw(player, performance.now());
  if (player?.own) {
    const { own } = player;
    showNetwork($, player);
    $('hud-view').textContent = String(player.view.slots.size);
    $('hud-tick').textContent = String(player.view.header.tick);
    $('hud-place').textContent = `${(own.x / 256).toFixed(1)}, ${(own.y / 256).toFixed(1)} m`;
    $('hud-health').textContent = `${own.health} / ${own.healthMax}`;
    $('hud-level').textContent = `${levelOf(xp)} (${xp} xp)`;
  }
  requestAnimationFrame(frame);
}

async function begin() {
  const response = await fetch('config.json');
  const config = await response.json();
  for (const zone of config.zones) $('zone').append(new Option(zone, zone));
  $('zone').value = config.zones.at(-1);
  $('form').addEventListener('submit', (event) => {
    event.preventDefault();
    play(config, $('zone').value);
  });
  buildSwitch($('network'));
  listen();
  buildChat($('chat'), () => player, log);
  setInterval(tellRates, 1000);
  requestAnimationFrame(frame);
}

begin().catch(fail);
