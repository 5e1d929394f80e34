// Pictures on a canvas: axes with lines, bands, steps, areas and clouds of points. Everything that a page of gansim
// draws while it is looked at is drawn here: by the explorer, by reports, by notebooks.
//
// A colour is the name of a state or of a variable of theme.css ("off target", "ink"), so that light and dark are the
// page's business, or any CSS colour. NaN is a gap.

const GAP = 5; // pixels between an axis and its numbers
const LEFT = 44; // pixels left of every axis, so that axes one above the other agree
const SMALL = "11px system-ui, sans-serif";
const NORMAL = "600 12px system-ui, sans-serif";
const REACH = 14; // pixels: how far from a point a pointer may be to mean it

/** A number in words of at most four digits: 1,234; 0.05; 2×10⁻⁷; −3. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digitsOf, power] = value.toExponential(Math.min(2, digits - 1)).split("e");
    const front = String(Number(digitsOf));
    return `${front === "1" ? "" : front === "-1" ? "−" : `${front}×`}10${raised(Number(power))}`.replace("-", "−");
  }
  const places = size >= 1000 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size || 1)));
  const short = Number(value.toFixed(Math.min(places, 12)));
  return short.toLocaleString("en", { maximumFractionDigits: 12 }).replace("-", "−");
}

function raised(power) {
  return String(power)
    .split("")
    .map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻")
    .join("");
}

/** A share in percent; 0 and 100 are none and all, never rounded ones. */
export function percent(share) {
  if (share === 0 || share === 1) return `${100 * share} %`;
  const points = 100 * share;
  const near = Math.min(points, 100 - points);
  const places = near < 0.1 ? 2 : 1;
  return `${Math.min(Math.max(points, 10 ** -places), 100 - 10 ** -places).toFixed(places)} %`;
}

/** An interval of a share, in percent, both ends to as many places: 92.5 to 97.6 %. */
export function interval(low, high) {
  const places = high - low < 0.002 ? 3 : high - low < 0.02 ? 2 : 1;
  return `${(100 * low).toFixed(places)} to ${(100 * high).toFixed(places)} %`;
}

// --- scales -----------------------------------------------------------------------------------

const LINEAR_DOWN_TO = -2; // V is drawn linear above, where 0 and -log 4 are, and logarithmic below

/** How numbers become places: each way has a function, and where its numbers stand. */
const WAYS = {
  linear: { of: (v) => v, ticks: linearTicks },
  log: { of: (v) => Math.log10(v), ticks: logTicks },
  v: { of: (v) => (v >= LINEAR_DOWN_TO ? v : LINEAR_DOWN_TO - Math.log10(v / LINEAR_DOWN_TO) * 2), ticks: vTicks },
};

/** Round numbers within [low, high], about so many. */
export function linearTicks(low, high, most = 5) {
  const rough = (high - low) / Math.max(1, most);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((one) => one >= rough * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, most = 5) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  if (last - first < 1) return linearTicks(low, high, most);
  const every = Math.max(1, Math.ceil((last - first) / most));
  const ticks = [];
  for (let k = first; k <= last; k += every) ticks.push(10 ** k);
  return ticks;
}

function vTicks(low, high, most = 4) {
  const upper = linearTicks(Math.max(low, LINEAR_DOWN_TO), high, low < LINEAR_DOWN_TO ? 2 : most);
  const powers = [];
  for (let k = 1; -(10 ** k) >= low; k++) powers.push(-(10 ** k));
  const every = Math.ceil(powers.length / 3);
  return [...powers.filter((_, k) => (k + 1) % every === 0).reverse(), ...upper];
}

// --- a plot -----------------------------------------------------------------------------------

/**
 * One pair of axes on a canvas. `draw` is given all that is seen, each time; the plot draws it again by itself when
 * its size, the screen or the colour scheme changes.
 */
export class Plot {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{title?: string, x?: Axis, y?: Axis}} look where an axis has {label, way, format, ticks}
   */
  constructor(canvas, look = {}) {
    this.canvas = canvas;
    this.look = look;
    this.seen = null;
    this.box = [0, 0, 1, 1];
    canvas.setAttribute("role", "img");
    if (look.title) canvas.setAttribute("aria-label", look.title);
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(canvas);
    this.scheme = window.matchMedia("(prefers-color-scheme: dark)");
    this.again = () => this.redraw();
    this.scheme.addEventListener("change", this.again);
    window.addEventListener("beforeprint", this.again);
  }

  /** Stop watching the page. */
  close() {
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.again);
    window.removeEventListener("beforeprint", this.again);
  }

  /** What is drawn, in words, for those who do not see it. */
  describe(text) {
    if (this.canvas.getAttribute("aria-label") !== text) this.canvas.setAttribute("aria-label", text);
  }

  /**
   * @param {{x: [number, number], y: [number, number], layers: object[], title?: string, note?: string}} seen
   *   the ends of both axes, and layers from the back to the front
   */
  draw(seen) {
    this.seen = seen;
    if (seen.title && !this.canvas.hasAttribute("aria-label")) this.canvas.setAttribute("aria-label", seen.title);
    this.redraw();
  }

  redraw() {
    const { canvas, seen } = this;
    const wide = canvas.clientWidth;
    const tall = canvas.clientHeight;
    if (!seen || !wide || !tall) return;
    const ratio = window.devicePixelRatio || 1;
    const size = [Math.round(wide * ratio), Math.round(tall * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    this.style = getComputedStyle(canvas);
    this.known = {};
    this.prepare(pen, wide, tall);
    pen.save();
    const [left, top, right, bottom] = this.box;
    pen.beginPath();
    pen.rect(left, top - 1, right - left, bottom - top + 2);
    pen.clip();
    for (const layer of seen.layers) DRAWN[layer.kind](this, pen, layer);
    pen.restore();
    for (const layer of seen.layers) if (layer.kind === "points") strays(this, pen, layer);
    this.axes(pen, wide);
  }

  colour(name) {
    if (name in this.known) return this.known[name];
    const found = /^[a-z][a-z -]*$/.test(name) ? this.style.getPropertyValue(`--${name.replaceAll(" ", "-")}`).trim() : name;
    return (this.known[name] = found || name);
  }

  /** Find where the axes lie, and how numbers become places. */
  prepare(pen, wide, tall) {
    const { seen } = this;
    const way = { x: WAYS[this.look.x?.way ?? "linear"], y: WAYS[this.look.y?.way ?? "linear"] };
    pen.font = SMALL;
    this.numbers = {};
    for (const axis of ["x", "y"]) {
      const own = this.look[axis]?.ticks;
      const most = axis === "x" ? Math.max(2, Math.min(6, Math.floor(wide / 90))) : Math.max(2, Math.min(6, Math.floor(tall / 45)));
      const ticks = own ?? way[axis].ticks(seen[axis][0], seen[axis][1], most).map((v) => [v, (this.look[axis]?.format ?? number)(v)]);
      this.numbers[axis] = ticks.filter(([v]) => v >= seen[axis][0] && v <= seen[axis][1]);
    }
    const widest = Math.max(0, ...this.numbers.y.map(([, text]) => pen.measureText(text).width));
    pen.font = NORMAL;
    this.title = inLines(pen, seen.title ?? this.look.title ?? "", wide - 4);
    pen.font = SMALL;
    const top = (this.title.length ? 4 + 16 * this.title.length : 6) + (this.look.y?.label ? 15 : 0);
    this.box = [Math.max(LEFT, Math.ceil(widest) + GAP + 4), top, wide - 10, tall - (this.look.x?.label ? 34 : 20)];
    const [left, , right, bottom] = this.box;
    const place = (axis, from, to) => {
      const [low, high] = seen[axis].map(way[axis].of);
      const scale = (to - from) / (high - low || 1);
      const { of } = way[axis];
      return (v) => from + (of(v) - low) * scale;
    };
    this.px = place("x", left, right);
    this.py = place("y", bottom, top);
  }

  axes(pen, wide) {
    const { seen, look } = this;
    const [left, top, right, bottom] = this.box;
    pen.strokeStyle = this.colour("axis");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(left - 0.5, top);
    pen.lineTo(left - 0.5, bottom + 0.5);
    pen.lineTo(right, bottom + 0.5);
    for (const [v] of this.numbers.x) pen.rect(Math.round(this.px(v)) - 0.5, bottom + 0.5, 0, 4);
    for (const [v] of this.numbers.y) pen.rect(left - 0.5, Math.round(this.py(v)) - 0.5, -4, 0);
    pen.stroke();
    pen.font = SMALL;
    pen.fillStyle = this.colour("ink");
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    for (const [v, text] of this.numbers.y) pen.fillText(text, left - GAP - 1, this.py(v));
    pen.textBaseline = "top";
    let free = -Infinity; // numbers that would touch the one before are left out
    for (const [v, text] of this.numbers.x) {
      const half = pen.measureText(text).width / 2;
      const x = Math.min(Math.max(this.px(v), half), wide - half);
      if (x - half < free) continue;
      pen.textAlign = "center";
      pen.fillText(text, x, bottom + GAP + 1);
      free = x + half + 6;
    }
    pen.fillStyle = this.colour("grey");
    if (look.x?.label) {
      pen.textAlign = "right";
      pen.fillText(look.x.label, right, bottom + 20);
    }
    pen.textAlign = "left";
    pen.textBaseline = "alphabetic";
    if (look.y?.label) pen.fillText(look.y.label, 2, top - 6);
    pen.font = NORMAL;
    pen.fillStyle = this.colour("ink");
    this.title.forEach((line, k) => pen.fillText(line, 2, 13 + 16 * k));
    if (seen.note) {
      pen.font = SMALL;
      pen.textAlign = "right";
      pen.textBaseline = "top";
      pen.fillStyle = this.colour("ink");
      seen.note.split("\n").forEach((line, k) => pen.fillText(line, right - 4, top + 3 + 14 * k));
    }
  }

  /** Number of the point of a cloud that a pointer event means, -1 if there is none near. */
  near(event) {
    const cloud = this.seen?.layers.find((layer) => layer.kind === "points");
    if (!cloud) return -1;
    const where = this.canvas.getBoundingClientRect();
    const [left, top] = [event.clientX - where.left, event.clientY - where.top];
    let [best, least] = [-1, REACH * REACH];
    for (let k = 0; k < cloud.x.length; k++) {
      const [x, y] = inside(this, cloud.x[k], cloud.y[k]);
      const off = (x - left) ** 2 + (y - top) ** 2;
      if (off < least) [best, least] = [k, off];
    }
    return best;
  }
}

/** A text in lines that are no wider than so many pixels. */
function inLines(pen, text, wide) {
  const lines = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && pen.measureText(longer).width <= wide) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Where a point is drawn: at the edge, if it lies beyond. */
function inside(plot, x, y) {
  const [left, top, right, bottom] = plot.box;
  return [Math.min(Math.max(plot.px(x), left + 3), right - 3), Math.min(Math.max(plot.py(y), top + 3), bottom - 3)];
}

// --- layers -----------------------------------------------------------------------------------

const DRAWN = {
  line(plot, pen, { x, y, colour = "ink", width = 1.5, dash = [] }) {
    pen.strokeStyle = plot.colour(colour);
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.setLineDash(dash);
    trace(plot, pen, x, y);
    pen.stroke();
    pen.setLineDash([]);
  },
  band(plot, pen, { x, low, high, colour = "grey", alpha = 0.2 }) {
    pen.fillStyle = plot.colour(colour);
    pen.globalAlpha = alpha;
    pen.beginPath();
    for (let k = 0; k < x.length; k++) pen.lineTo(plot.px(x[k]), plot.py(high[k]));
    for (let k = x.length - 1; k >= 0; k--) pen.lineTo(plot.px(x[k]), plot.py(low[k]));
    pen.fill();
    pen.globalAlpha = 1;
  },
  area(plot, pen, { x, y, base = 0, colour = "faint", alpha = 1 }) {
    pen.fillStyle = plot.colour(colour);
    pen.globalAlpha = alpha;
    pen.beginPath();
    pen.moveTo(plot.px(x[0]), plot.py(base));
    for (let k = 0; k < x.length; k++) pen.lineTo(plot.px(x[k]), plot.py(y[k]));
    pen.lineTo(plot.px(x[x.length - 1]), plot.py(base));
    pen.fill();
    pen.globalAlpha = 1;
  },
  steps(plot, pen, { edges, heights, colour = "ink", width = 1.5, alpha = 0 }) {
    const outline = () => {
      pen.beginPath();
      pen.moveTo(plot.px(edges[0]), plot.py(0));
      for (let k = 0; k < heights.length; k++) {
        pen.lineTo(plot.px(edges[k]), plot.py(heights[k]));
        pen.lineTo(plot.px(edges[k + 1]), plot.py(heights[k]));
      }
      pen.lineTo(plot.px(edges[heights.length]), plot.py(0));
    };
    if (alpha) {
      pen.fillStyle = plot.colour(colour);
      pen.globalAlpha = alpha;
      outline();
      pen.fill();
      pen.globalAlpha = 1;
    }
    pen.strokeStyle = plot.colour(colour);
    pen.lineWidth = width;
    outline();
    pen.stroke();
  },
  level(plot, pen, { y, colour = "grey", dash = [4, 3], width = 1 }) {
    const [left, , right] = plot.box;
    straight(plot, pen, [left, plot.py(y), right, plot.py(y)], colour, dash, width);
  },
  moment(plot, pen, { x, colour = "grey", dash = [], width = 1 }) {
    const [, top, , bottom] = plot.box;
    straight(plot, pen, [plot.px(x), top, plot.px(x), bottom], colour, dash, width);
  },
  span(plot, pen, { from, to, colour = "window" }) {
    const [, top, , bottom] = plot.box;
    pen.fillStyle = plot.colour(colour);
    pen.fillRect(plot.px(from), top, plot.px(to) - plot.px(from), bottom - top);
  },
  cross(plot, pen, { x, y, colour = "ink", size = 7 }) {
    pen.strokeStyle = plot.colour(colour);
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(plot.px(x) - size, plot.py(y));
    pen.lineTo(plot.px(x) + size, plot.py(y));
    pen.moveTo(plot.px(x), plot.py(y) - size);
    pen.lineTo(plot.px(x), plot.py(y) + size);
    pen.stroke();
  },
  dot(plot, pen, { x, y, colour = "ink", size = 5, ring = "paper" }) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    const [left, top] = inside(plot, x, y);
    pen.beginPath();
    pen.arc(left, top, size, 0, 2 * Math.PI);
    pen.fillStyle = plot.colour(colour);
    pen.fill();
    pen.strokeStyle = plot.colour(ring);
    pen.lineWidth = 1.5;
    pen.stroke();
  },
  points(plot, pen, { x, y, state, colours, size = 3, chosen = -1, only = -1 }) {
    const [left, top, right, bottom] = plot.box;
    colours.forEach((colour, code) => {
      pen.fillStyle = plot.colour(colour);
      pen.globalAlpha = only >= 0 && only !== code ? 0.12 : 0.75;
      for (let k = 0; k < x.length; k++) {
        if (state[k] !== code) continue;
        const [px, py] = [plot.px(x[k]), plot.py(y[k])];
        if (px >= left && px <= right && py >= top && py <= bottom) pen.fillRect(px - size / 2, py - size / 2, size, size);
      }
    });
    pen.globalAlpha = 1;
    if (chosen >= 0 && Number.isFinite(x[chosen]) && Number.isFinite(y[chosen])) {
      const [px, py] = inside(plot, x[chosen], y[chosen]);
      pen.beginPath();
      pen.arc(px, py, 6, 0, 2 * Math.PI);
      pen.strokeStyle = plot.colour("paper");
      pen.lineWidth = 5;
      pen.stroke();
      pen.strokeStyle = plot.colour("ink");
      pen.lineWidth = 2;
      pen.stroke();
    }
  },
};

/** Points of a cloud that lie beyond the axes: small triangles at the edge that point there. */
function strays(plot, pen, { x, y, state, colours }) {
  const [left, top, right, bottom] = plot.box;
  for (let k = 0; k < x.length; k++) {
    if (!Number.isFinite(x[k]) || !Number.isFinite(y[k])) continue;
    const [px, py] = [plot.px(x[k]), plot.py(y[k])];
    if (px >= left && px <= right && py >= top && py <= bottom) continue;
    const [ex, ey] = inside(plot, x[k], y[k]);
    const turn = Math.atan2(py > bottom ? 1 : py < top ? -1 : 0, px > right ? 1 : px < left ? -1 : 0);
    pen.fillStyle = plot.colour(colours[state[k]]);
    pen.beginPath();
    for (const part of [0, 2.4, -2.4]) pen.lineTo(ex + 4 * Math.cos(turn + part), ey + 4 * Math.sin(turn + part));
    pen.fill();
  }
}

function straight(plot, pen, [x0, y0, x1, y1], colour, dash, width) {
  pen.strokeStyle = plot.colour(colour);
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
  pen.setLineDash([]);
}

function trace(plot, pen, x, y) {
  pen.beginPath();
  let down = false;
  for (let k = 0; k < x.length; k++) {
    const py = plot.py(y[k]);
    if (Number.isFinite(py)) {
      if (down) pen.lineTo(plot.px(x[k]), py);
      else pen.moveTo(plot.px(x[k]), py);
    }
    down = Number.isFinite(py);
  }
}

// --- ends of axes -----------------------------------------------------------------------------

/** Least and greatest of the finite values, and of others that must be seen; null if there are none. */
export function ends(values, others = []) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of [values, others])
    for (let k = 0; k < list.length; k++)
      if (Number.isFinite(list[k])) [low, high] = [Math.min(low, list[k]), Math.max(high, list[k])];
  return low <= high ? [low, high] : null;
}

/** Ends that hold all but this share of the values on either side, and what must be seen. */
export function nearlyAll(values, others, beyond = 0.01) {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  if (!sorted.length) return ends(others) ?? [0, 1];
  const cut = Math.floor(beyond * sorted.length);
  return ends([sorted[cut], sorted[sorted.length - 1 - cut]], others);
}

/** Ends a little farther apart, by this share of their distance. */
export function widened([low, high], by = 0.05) {
  const room = by * (high - low) || 0.5 * Math.abs(high) || 1;
  return [low - room, high + room];
}
