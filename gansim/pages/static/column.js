// All GANs of one configuration, and the one that is chosen.

import { interval, percent } from "./drawing.js";
import { canvas, make } from "./elements.js";
import { One } from "./one.js";
import { cloud, shares } from "./panels.js";
import { StatesTable } from "./states.js";

export const NAMES = ["A", "B", "C"];
const DASHES = { perfect: [], idle: [6, 3], inverted: [2, 2], mixed: [8, 2, 2, 2], "non-finite": [] };

/** All GANs of a configuration, and the one that is chosen. */
export class Column {
  constructor(view, k, count) {
    this.view = view;
    this.states = view.about.states;
    this.k = k;
    const name = count > 1 ? `${NAMES[k]}: ` : "";
    const canvases = { cloud: canvas(280, "every GAN"), shares: canvas(190, "shares over training") };
    this.table = new StatesTable((k) => this.visit(k));
    this.heading = make("h2", {}, `${name}all GANs`);
    this.name = name;
    this.one = new One(count > 1 ? `${NAMES[k]}, ` : "");
    this.root = make(
      "section.column",
      { "aria-label": count > 1 ? `configuration ${NAMES[k]}` : "the GANs" },
      make("div.many", {}, this.heading, canvases.cloud, this.table.root, canvases.shares),
      this.one.root,
    );
    this.panels = { cloud: cloud(canvases.cloud), shares: shares(canvases.shares, "Shares over training; bands: 95 % intervals; shaded: what decides the label") };
    canvases.cloud.tabIndex = 0;
    canvases.cloud.addEventListener("click", (event) => {
      const rep = this.panels.cloud.plot.near(event);
      if (rep >= 0) view.choose(rep);
    });
    canvases.cloud.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      view.choose(view.rep + by);
    });
  }

  close() {
    Object.values(this.panels).forEach((panel) => panel.plot.close());
    this.one.close();
  }

  /** Another training begins. */
  begin(about, n) {
    this.fixed = about;
    this.n = n;
    this.history = [];
    this.ended = null;
    this.seen = null;
    this.one.begin(about);
    this.heading.textContent = `${this.name}all ${n.toLocaleString("en")} GANs`;
    this.recolour();
  }

  /** What is new, before it is drawn. */
  take(head, arrays, news) {
    this.history.push(...news);
    this.seen = { head, arrays };
    if (head.ended) this.ended = head.ended;
  }

  /** Where all GANs are, and where they ought to be. */
  places() {
    const { mean, std } = this.seen.arrays;
    return { mean, std, target: this.fixed.target };
  }

  draw() {
    this.drawMany(this.rows !== this.key());
    this.one.show(this.seen.head, this.seen.arrays);
  }

  /** Other states are counted, or of another training. */
  recolour() {
    this.table.begin(this.levels(), this.view.by, this.fixed.meanings, this.fixed.window);
  }

  again() {
    if (!this.seen) return;
    this.drawMany(true);
  }

  key() {
    return `${this.view.generation} ${this.view.by} ${this.history.length} ${Boolean(this.ended)} ${this.view.only}`;
  }

  get player() {
    return this.view.by === "d" ? "d" : "g";
  }

  drawMany(anew) {
    const { arrays } = this.seen;
    const { by, only, rep } = this.view;
    const player = this.player;
    this.panels.cloud.show({
      ends: this.view.plane,
      mean: arrays.mean,
      std: arrays.std,
      state: arrays[player],
      colours: this.states[player],
      target: this.fixed.target,
      chosen: rep,
      only: by === "pairs" || only < 0 ? -1 : only,
    });
    if (!anew) return;
    this.rows = this.key();
    const lines = this.lines();
    const steps = this.history.map((one) => one.step);
    this.panels.shares.show({ steps, lines, until: this.fixed.until, decided: this.fixed.decided });
    this.panels.shares.plot.describe(`Shares over training. ${this.summary()}`);
    this.tabulate();
  }

  levels() {
    return this.states[this.view.by].map((state) => [state].flat());
  }

  lines() {
    const { by } = this.view;
    return this.levels()
      .map((states, k) => ({
        states,
        share: this.history.map((one) => one[by][k][1]),
        low: this.history.map((one) => one[by][k][2]),
        high: this.history.map((one) => one[by][k][3]),
      }))
      .filter((line) => line.share.some((share) => share > 0))
      .map((line) => ({ ...line, colour: line.states[0], dash: line.states.length > 1 ? DASHES[line.states[1]] : [] }));
  }

  /** Each state with its share and interval. */
  tabulate() {
    const { by, only } = this.view;
    const last = this.ended ?? this.history[this.history.length - 1];
    const when = last ? `What they do at step ${last.step.toLocaleString("en")}` : "Before the first record";
    const none = this.levels().map(() => [0, 0, 0, 0]);
    const shown = (k, count) =>
      by === "pairs" ? count > 0 : Boolean(last) && (count > 0 || this.states[by][k] !== "modes dropped" || this.hasModes());
    this.table.show(
      `${this.ended ? "How they ended" : when}; n = ${this.n.toLocaleString("en")}`,
      last ? last[by] : none,
      only,
      shown,
    );
  }

  /** Highlight a state, and choose the next GAN in it; what is highlighted already is so no longer. */
  visit(k) {
    const { view } = this;
    const { g, d } = this.seen.arrays;
    const [first, second] = this.levels()[k];
    const wanted = [this.states.g.indexOf(first), this.states.d.indexOf(second ?? first)];
    const fits = (rep) => (view.by === "pairs" ? g[rep] === wanted[0] && d[rep] === wanted[1] : this.seen.arrays[view.by][rep] === k);
    const ahead = Array.from({ length: this.n }, (_, step) => (view.rep + 1 + step) % this.n);
    const next = ahead.find(fits);
    if (next === undefined) return;
    view.highlight(view.only === k ? -1 : k);
    if (view.only === k) view.choose(next);
  }

  hasModes() {
    return this.view.configurations[this.k]?.target.kind === "mixture";
  }

  /** How they ended, or what they do, in a sentence. */
  summary() {
    const last = this.ended ?? this.history[this.history.length - 1];
    if (!last) return "";
    const name = this.view.columns.length > 1 ? `${NAMES[this.k]}: ` : "";
    const parts = this.states.g.map((state, k) => [state, last.g[k]]).filter(([, [count]]) => count);
    const told = parts.map(([state, [, share, low, high]]) => `${percent(share)} ${state} [${interval(low, high)}]`);
    return `${name || "Of"}${name && "of"} ${this.n.toLocaleString("en")} GANs ${told.join(", ")}.`;
  }
}
