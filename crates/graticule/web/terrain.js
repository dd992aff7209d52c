// The ground follows from the seed. See "Terrain" in PROTOCOL.md.

/** Edge of a cell, in 1/256 m. */
export const CELL = 1024;
/** The largest radius of an obstacle, in 1/256 m. */
export const OBSTACLE_RADIUS_MAX = 154 + 127;
const CLEARING = 3072;

function finalize(value) {
  let v = value;
  v = Math.imul(v ^ (v >>> 16), 0x85ebca6b);
  v = Math.imul(v ^ (v >>> 13), 0xc2b2ae35);
  return (v ^ (v >>> 16)) >>> 0;
}

/** Spreads a seed and two coordinates over 32 bits. */
export function hash(seed, x, y) {
  return finalize(finalize(seed ^ Math.imul(x, 0x9e3779b1)) ^ Math.imul(y, 0x85ebca77));
}

/** The terrain of one world. */
export class Terrain {
  /** @param {number} seed @param {number} size in 1/256 m @param {number} obstaclePermille of cells */
  constructor(seed, size, obstaclePermille) {
    Object.assign(this, { seed, size, obstaclePermille });
  }

  /** The obstacle of a cell, {x, y, radius} in 1/256 m, or null. */
  obstacle(cellX, cellY) {
    const h = hash(this.seed, cellX, cellY);
    if (h % 1000 >= this.obstaclePermille) return null;
    const x = cellX * CELL + CELL / 2 + ((h >>> 10) & 127) * 2 - 127;
    const y = cellY * CELL + CELL / 2 + ((h >>> 17) & 127) * 2 - 127;
    const middle = Math.trunc(this.size / 2);
    const near = (x - middle) ** 2 + (y - middle) ** 2 <= CLEARING ** 2;
    return near ? null : { x, y, radius: 154 + ((h >>> 24) & 127) };
  }

  /** The obstacles that a circle around (x, y) may touch, from north to south and from west to east. */
  obstaclesNear(x, y, radius) {
    const cell = (at) => Math.floor(at / CELL);
    const found = [];
    for (let cellY = cell(y - radius); cellY <= cell(y + radius); cellY += 1) {
      for (let cellX = cell(x - radius); cellX <= cell(x + radius); cellX += 1) {
        const obstacle = this.obstacle(cellX, cellY);
        if (obstacle) found.push(obstacle);
      }
    }
    return found;
  }

  /** The nearest coordinate to `part` at which a circle of `radius` is inside the world. */
  clampInside(part, radius) {
    return Math.min(Math.max(part, radius), Math.max(this.size - radius, radius));
  }

  /** What grows on a cell: 0 sand, 1 grass, 2 moss. */
  ground(cellX, cellY) {
    const corner = (dx, dy) => hash(this.seed ^ 0x5bd1e995, Math.floor(cellX / 8) + dx, Math.floor(cellY / 8) + dy) & 255;
    const fx = ((cellX % 8) + 8) % 8;
    const fy = ((cellY % 8) + 8) % 8;
    const top = corner(0, 0) * (8 - fx) + corner(1, 0) * fx;
    const bottom = corner(0, 1) * (8 - fx) + corner(1, 1) * fx;
    const height = Math.trunc((top * (8 - fy) + bottom * fy) / 64);
    if (height < 80) return 0;
    return height < 160 ? 1 : 2;
  }
}
