// Who is in view of whom. An entity enters at the radius and leaves farther out, so that one who walks
// along the rim does not flicker.

const LEAVES_AT = 1.1;

export class Interest {
  constructor(size, radius) {
    this.enter2 = radius ** 2;
    this.leave2 = (radius * LEAVES_AT) ** 2;
    this.radius = radius;
    this.columns = Math.floor(size / radius) + 1;
    this.cells = Array.from({ length: this.columns ** 2 }, () => []);
  }

  // Cells are as wide as the radius, so what enters is in one of nine.
  place(players) {
    for (const cell of this.cells) cell.length = 0;
    for (const player of players) this.cells[this.cellOf(player.x) + this.columns * this.cellOf(player.y)].push(player);
  }

  cellOf(at) {
    return Math.floor(at / this.radius);
  }

  // Brings the set of what a player sees up to date, and tells what left it, what stayed and what entered.
  refresh(viewer, seen, { onLeave, onStay, onEnter }) {
    for (const other of seen) {
      if (other.gone || distance2(viewer, other) > this.leave2) {
        seen.delete(other);
        onLeave(other);
      } else {
        onStay?.(other);
      }
    }
    const column = this.cellOf(viewer.x);
    const row = this.cellOf(viewer.y);
    for (let y = Math.max(0, row - 1); y <= Math.min(this.columns - 1, row + 1); y += 1) {
      for (let x = Math.max(0, column - 1); x <= Math.min(this.columns - 1, column + 1); x += 1) {
        for (const other of this.cells[x + this.columns * y]) {
          if (other === viewer || distance2(viewer, other) > this.enter2 || seen.has(other)) continue;
          seen.add(other);
          onEnter(other);
        }
      }
    }
  }
}

function distance2(one, other) {
  return (one.x - other.x) ** 2 + (one.y - other.y) ** 2;
}
