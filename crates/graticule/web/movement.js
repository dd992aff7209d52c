// How a body moves: the step that the host takes, in whole numbers, so that both get the same place.

import { OBSTACLE_RADIUS_MAX } from './terrain.js';

/** The length of a full wish to move. */
export const FULL_WISH = 127;

/** The same direction with the length `length`; no direction stays none. Parts are rounded towards zero. */
function withLength(x, y, length) {
  const now = Math.floor(Math.sqrt(x * x + y * y));
  if (now === 0) return [0, 0];
  return [Math.trunc((x * length) / now) | 0, Math.trunc((y * length) / now) | 0];
}

function clampLength(x, y, max) {
  return x * x + y * y <= max * max ? [x, y] : withLength(x, y, max);
}

/**
 * The velocity that a wish (-127 to 127 along each axis) asks for, in 1/256 m per second.
 * @param {{x: number, y: number}} wish
 * @param {{speedMax: number}} build
 * @returns {number[]} to the east and to the south
 */
export function intent(wish, build) {
  const [x, y] = clampLength(wish.x, wish.y, FULL_WISH);
  const share = (part) => Math.trunc((part * build.speedMax) / FULL_WISH) | 0;
  return [share(x), share(y)];
}

/** A body at rest. `rx` and `ry` are what the last steps left over, in 1/256 m times the tick rate. */
export function atRest(x, y) {
  return { x, y, vx: 0, vy: 0, rx: 0, ry: 0 };
}

function accelerate(motion, [toX, toY], acceleration, rate) {
  const [dx, dy] = clampLength(toX - motion.vx, toY - motion.vy, Math.trunc(acceleration / rate));
  motion.vx += dx;
  motion.vy += dy;
}

function advance(motion, rate) {
  const [x, y] = [motion.vx + motion.rx, motion.vy + motion.ry];
  const [dx, dy] = [Math.floor(x / rate), Math.floor(y / rate)];
  motion.rx = x - dx * rate;
  motion.ry = y - dy * rate;
  motion.x += dx;
  motion.y += dy;
}

/** Moves a body out of the obstacles that it went into. What is left of the step carries it around them. */
function pushOut(motion, radius, terrain) {
  for (const obstacle of terrain.obstaclesNear(motion.x, motion.y, radius + OBSTACLE_RADIUS_MAX)) {
    const apart = obstacle.radius + radius;
    let dx = motion.x - obstacle.x;
    const dy = motion.y - obstacle.y;
    if (dx * dx + dy * dy > apart * apart) continue;
    if (dx === 0 && dy === 0) dx = 1;
    const [x, y] = withLength(dx, dy, apart + 1);
    motion.x = obstacle.x + x;
    motion.y = obstacle.y + y;
  }
}

function constrain(motion, radius, terrain) {
  const inside = (part) => terrain.clampInside(part, radius);
  if (inside(motion.x) !== motion.x) motion.vx = 0;
  if (inside(motion.y) !== motion.y) motion.vy = 0;
  motion.x = inside(motion.x);
  motion.y = inside(motion.y);
  pushOut(motion, radius, terrain);
  motion.x = inside(motion.x);
  motion.y = inside(motion.y);
}

/**
 * Moves a body by one tick.
 * @param {object} motion the body, as from `atRest`; it is changed
 * @param {number[]} towards the velocity that it wants, as from `intent`
 * @param {{radius: number, acceleration: number}} build what it can do
 * @param {import('./terrain.js').Terrain} terrain where it walks
 * @param {number} rate ticks per second
 */
export function step(motion, towards, build, terrain, rate) {
  // The host leaves those alone that stand and want to.
  const stands = motion.vx === 0 && motion.vy === 0;
  if (stands && towards[0] === 0 && towards[1] === 0) return;
  accelerate(motion, towards, build.acceleration, rate);
  advance(motion, rate);
  if (motion.vx !== 0 || motion.vy !== 0) constrain(motion, build.radius, terrain);
}
