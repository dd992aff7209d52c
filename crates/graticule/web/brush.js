// The shapes that a world is drawn with, on a canvas. Lengths are in pixels.

const SHADOW = '#00000055';
const STRIKES = 2;
const SHOOTS = 3;

/** Draws on one canvas. */
export class Brush {
  /** @param {CanvasRenderingContext2D} context where to draw */
  constructor(context) {
    this.context = context;
  }

  /** A body that looks along `angle` and does `action`. */
  body(x, y, radius, colour, angle, action) {
    const { context } = this;
    this.disc(x + 2, y + 3, radius, SHADOW);
    this.disc(x, y, radius, colour, '#00000088');
    context.beginPath();
    context.moveTo(x, y);
    const reach = action === STRIKES || action === SHOOTS ? 1.9 : 1.35;
    context.lineTo(x + Math.cos(angle) * radius * reach, y + Math.sin(angle) * radius * reach);
    context.strokeStyle = action === STRIKES ? '#fff' : '#000000aa';
    context.lineWidth = 2.5;
    context.stroke();
  }

  tree(x, y, radius) {
    this.disc(x + 3, y + 4, radius, SHADOW);
    this.disc(x, y, radius, '#173523', '#0d2217');
    this.disc(x - radius * 0.22, y - radius * 0.26, radius * 0.52, '#20492f');
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

  square(x, y, edge, fill) {
    this.context.fillStyle = fill;
    this.context.fillRect(x, y, edge, edge);
  }

  dashedRing(x, y, radius, colour) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, Math.PI * 2);
    context.strokeStyle = colour;
    context.setLineDash([6, 8]);
    context.lineWidth = 1.5;
    context.stroke();
    context.setLineDash([]);
  }

  /** A blade's way from one angle to another, thinner towards where it came from. */
  arc(x, y, radius, from, to, alpha) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, from, to);
    // The inner edge is a circle of another middle, so that the shape is a crescent.
    const middle = (from + to) / 2;
    context.arc(x - Math.cos(middle) * radius * 0.3, y - Math.sin(middle) * radius * 0.3, radius * 1.05, to, from, true);
    context.fillStyle = '#ffffff';
    context.globalAlpha = alpha;
    context.fill();
    context.globalAlpha = 1;
  }

  streak(fromX, fromY, toX, toY, alpha) {
    const { context } = this;
    const gradient = context.createLinearGradient(fromX, fromY, toX, toY);
    gradient.addColorStop(0, '#8fd3ff00');
    gradient.addColorStop(1, '#8fd3ff');
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
    context.strokeStyle = gradient;
    context.lineWidth = 3;
    context.lineCap = 'round';
    context.globalAlpha = alpha;
    context.stroke();
    context.globalAlpha = 1;
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

  /** A number that rises and fades. */
  number(x, y, text, colour, alpha) {
    const { context } = this;
    context.font = 'bold 14px system-ui, sans-serif';
    context.textAlign = 'center';
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fillText(text, x, y);
    context.globalAlpha = 1;
  }
}
