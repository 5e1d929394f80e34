// All GANs of one configuration, and the one that is chosen.

import { interval, percent } from "./drawing.js";
import { canvas, make } from "./elements.js";
import { One } from "./one.js";
import { cloud, shares } from "./panels.js";

export const NAMES = ["A", "B", "C"];
const DASHES = { perfect: [], idle: [6, 3], inverted: [2, 2], mixed: [8, 2, 2, 2], "non-finite": [] };

/** All GANs of a configuration, and the one that is chosen. */
export class Column {
  constructor(view, k, count) {
    this.view = view;
    this.states = view.about.states;
    this.k = k;
    const name = count > 1 ? `${NAMES[k]}: ` : "";
    const canvases = { cloud: canvas(280), shares: canvas(190) };
    this.table = make("table.states");
    this.one = new One(count > 1 ? `${NAMES[k]}, ` : "");
    this.root = make(
      "section.column",
      { "aria-label": count > 1 ? `configuration ${NAMES[k]}` : "the GANs" },
      make("div.many", {}, make("h2", {}, `${name}all ${view.n.toLocaleString("en")} GANs`), canvases.cloud, this.table, canvases.shares),
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

  /** Each state with its share and interval; a press chooses a GAN in it. */
  tabulate() {
    const { by } = this.view;
    const last = this.ended ?? this.history[this.history.length - 1];
    const when = this.ended ? "in the end" : last ? `at step ${last.step.toLocaleString("en")}` : "before the first record";
    const rows = last
      ? this.levels()
          .map((states, k) => [states, k, last[by][k]])
          .filter(([states, , [count]]) => count || (by !== "pairs" && !(states[0] === "modes dropped" && !this.hasModes())))
          .sort((a, b) => (by === "pairs" ? b[2][0] - a[2][0] : 0))
      : [];
    const head = [by === "d" ? "D" : by === "g" ? "G" : "G, D", "share", "95 % interval", "GANs"];
    this.table.replaceChildren(
      make("caption", {}, `${this.ended ? "How they ended" : "What they do"}, ${when}; n = ${this.n.toLocaleString("en")}`),
      make("thead", {}, make("tr", {}, ...head.map((text, k) => make(k ? "th.number" : "th", { scope: "col" }, text)))),
      make(
        "tbody",
        {},
        ...rows.map(([states, k, [count, share, low, high]]) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, this.stateButton(states, k, count)),
            make("td.number", {}, percent(share)),
            make("td.number", {}, interval(low, high)),
            make("td.number", {}, count.toLocaleString("en")),
          ),
        ),
      ),
    );
  }

  stateButton(states, k, count) {
    const swatch = make("span.swatch", { "aria-hidden": "true" });
    swatch.dataset.state = states[states.length > 1 ? 1 : 0].replaceAll(" ", "-");
    if (states.length > 1) swatch.dataset.ring = states[0].replaceAll(" ", "-");
    const players = states.length > 1 ? ["g", "d"] : [this.player];
    const title = states.map((state, i) => `${state}: ${this.fixed.meanings[players[i]][state]}`).join("; ");
    return make(
      "button.state",
      { type: "button", title, disabled: !count, "aria-pressed": String(this.view.only === k), onclick: () => this.visit(states, k) },
      swatch,
      [...new Set(states)].join(", "),
    );
  }

  /** Choose the next GAN in a state. */
  visit(states, k) {
    const { by } = this.view;
    const { g, d } = this.seen.arrays;
    const wanted = by === "pairs" ? [this.states.g.indexOf(states[0]), this.states.d.indexOf(states[1] ?? states[0])] : null;
    const fits = (rep) => (wanted ? g[rep] === wanted[0] && d[rep] === wanted[1] : this.seen.arrays[by][rep] === k);
    for (let ahead = 1; ahead <= this.n; ahead++) {
      const rep = (this.view.rep + ahead) % this.n;
      if (fits(rep)) {
        this.view.only = k;
        this.view.choose(rep);
        this.view.columns.forEach((column) => column.again());
        return;
      }
    }
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
    return `${name}of ${this.n.toLocaleString("en")} GANs ${told.join(", ")}.`;
  }
}
