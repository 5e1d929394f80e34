// Train: up to three configurations, hundreds of GANs of each, as they learn; one of them beside it.

import { configuration } from "./controls.js";
import { interval, percent } from "./drawing.js";
import { canvas, make } from "./elements.js";
import { One } from "./one.js";
import { cloud, shares } from "./panels.js";

const NAMES = ["A", "B", "C"];
const STATES = {
  g: ["converged", "modes dropped", "collapsed", "off target", "non-finite"],
  d: ["perfect", "idle", "inverted", "mixed", "non-finite"],
};
const PAIRS = [...STATES.g.slice(0, 4).flatMap((g) => STATES.d.slice(0, 4).map((d) => [g, d])), ["non-finite", "non-finite"]];
const DASHES = { perfect: [], idle: [6, 3], inverted: [2, 2], mixed: [8, 2, 2, 2], "non-finite": [] };
const GANS = [16, 64, 256, 1024, 4096];
const PACES = [[60, "slow: in 60 s"], [15, "in 15 s"], [5, "in 5 s"], [null, "as fast as it goes"]]; // prettier-ignore
const MEANING = {
  converged: "near the target: Wasserstein-1 at most 0.2 of its standard deviation, Kolmogorov-Smirnov at most 0.15, and of a mixture every mode, in right shares",
  "modes dropped": "some modes of a mixture captured, and fewer than the target's own samples capture",
  collapsed: "to a point: spread at most a tenth of that of the target's narrowest mode",
  "off target": "none of the others",
  "non-finite": "a parameter or a record is no finite number any more",
  perfect: "D is at least 0.9 on real samples and at most 0.1 on fakes, on average",
  idle: "D is within 0.1 of 1/2, on average, on both",
  inverted: "D takes fakes for real, and real samples for fakes",
  mixed: "none of the others",
};

/** The view; `line` has send(object) and next(), a number for each that is asked, and calls `receive`. */
export class Train {
  constructor(root, about, line, start = {}) {
    this.about = about;
    this.line = line;
    this.configurations = start.configurations ?? [structuredClone(about.default)];
    this.n = start.n ?? 256;
    this.seed = start.seed ?? 0;
    this.pace = start.pace === undefined ? 15 : start.pace;
    this.editing = 0;
    this.playing = true;
    this.by = "g";
    this.only = -1;
    this.rep = start.rep ?? 0;
    this.generation = 0;
    this.shown = 0; // generation of what is seen
    this.latest = null;
    this.columns = [];
    this.told = start.told ?? (() => {});
    this.build(root);
    this.ask();
  }

  // --- what is asked ------------------------------------------------------------------------

  /** Train what the controls say, from the beginning. */
  ask() {
    this.generation = this.line.next();
    this.playing = true;
    const { configurations, n, seed, pace, rep, generation } = this;
    const asked = { generation, configurations, n, seed };
    this.line.send({ do: "configure", ...asked, pace, playing: true, rep: Math.min(rep, n - 1) });
    clearTimeout(this.later); // what is asked as text can wait until nothing is dragged any more
    this.later = setTimeout(() => this.line.send({ do: "texts", ...asked }), 250);
    this.rep = Math.min(rep, n - 1);
    this.buttons();
    this.told({ configurations, n, seed, pace });
  }

  /** Ask once for many changes of a moment: a slider that is dragged. */
  soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.ask();
    });
  }

  /** Nobody looks at this view any more. */
  leave() {
    clearTimeout(this.later);
    this.columns.forEach((column) => column.close());
  }

  change(how) {
    this.line.send({ do: "change", ...how });
  }

  play(on) {
    this.playing = on;
    this.change({ playing: on });
    this.buttons();
  }

  choose(rep) {
    this.rep = (rep + this.n) % this.n;
    this.whichRep.value = this.rep;
    this.change({ rep: this.rep });
  }

  // --- what arrives ---------------------------------------------------------------------------

  receive({ head, arrays }) {
    if (head.generation < this.generation && head.kind !== "failed") {
      if (head.kind === "frame") this.line.send({ do: "drawn" });
      return;
    }
    this[`on_${head.kind}`]?.(head, arrays);
  }

  on_accepted() {
    this.refusal.textContent = "";
    this.refusal.hidden = true;
  }

  on_texts({ python, toml }) {
    this.python.textContent = python;
    this.toml.textContent = toml;
  }

  on_refused({ message }) {
    this.refusal.textContent = message;
    this.refusal.hidden = false;
  }

  on_failed({ message }) {
    this.on_refused({ message: `something went wrong which should not have: ${message}` });
  }

  on_compiling({ shapes }) {
    this.say(`Compiling networks ${shapes.join(" and ")} for the first time: some ten seconds. What is seen is from before.`);
    this.main.classList.add("stale");
  }

  on_ready({ about, n, seed }) {
    this.main.classList.remove("stale");
    this.shown = this.generation;
    if (this.columns.length !== about.length) this.arrange(about.length);
    this.columns.forEach((column, k) => column.begin(about[k], n));
    this.say(`Training ${(n * about.length).toLocaleString("en")} GANs, seed ${seed}.`);
    this.differences.replaceChildren();
    this.ended = false;
  }

  on_frame(head, arrays) {
    const waiting = this.latest;
    this.latest = { head, arrays, news: (waiting?.news ?? []).concat([head.configurations.map((one) => one.shares)]) };
    if (waiting) this.line.send({ do: "drawn" }); // it is drawn together with this one
    else requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { head, arrays, news } = this.latest;
    this.latest = null;
    if (head.generation === this.generation) {
      head.configurations.forEach((one, k) => {
        const own = Object.fromEntries(Object.entries(arrays).filter(([name]) => name.startsWith(`${k}.`)).map(([name, array]) => [name.slice(2), array]));
        this.columns[k].show(one, own, news.flatMap((all) => all[k]));
      });
      const [first] = head.configurations;
      this.step.textContent = `step ${Math.max(...head.configurations.map((one) => one.step)).toLocaleString("en")}`;
      this.compare(head.differences);
      if (head.done && !this.ended) this.finish(first);
      this.drawn = (this.drawn ?? 0) + 1;
    }
    this.line.send({ do: "drawn" });
  }

  finish() {
    this.ended = true;
    this.playing = false;
    this.buttons();
    this.say(`Done. ${this.columns.map((column) => column.summary()).join(" ")}`);
  }

  say(text) {
    this.status.textContent = text;
  }

  // --- what is seen -----------------------------------------------------------------------------

  build(root) {
    this.refusal = make("p.refusal", { role: "alert", hidden: true });
    this.status = make("p.status", { role: "status" });
    this.step = make("span.step");
    this.tabs = make("div.tabs", { role: "group", "aria-label": "configurations" });
    this.fields = make("div.fields");
    this.columnsBox = make("div.columns");
    this.differences = make("section.differences", { "aria-label": "paired differences" });
    this.python = make("pre", { tabIndex: 0, "aria-label": "Python" });
    this.toml = make("pre", { tabIndex: 0, "aria-label": "TOML" });
    this.main = make("main", { id: "main" }, this.toolbar(), this.status, this.columnsBox, this.differences, this.texts());
    root.replaceChildren(make("aside", { "aria-label": "controls" }, this.refusal, this.tabs, this.fields), this.main);
    root.classList.add("train");
    this.edit(0);
    this.arrange(this.configurations.length);
  }

  toolbar() {
    const press = (text, act, given = {}) => make("button", { type: "button", onclick: act, ...given }, text);
    const pick = (label, options, chosen, act) => {
      const list = make("select", { onchange: () => act(list.value) });
      list.append(...options.map(([value, text]) => make("option", { value: String(value) }, text)));
      list.value = String(chosen);
      return make("label", {}, label, list);
    };
    this.playButton = press("", () => (this.ended ? this.ask() : this.play(!this.playing)), { className: "first" });
    const forward = (steps) => () => {
      if (this.playing) this.play(false);
      this.change({ steps });
    };
    const seed = make("input", { type: "text", inputMode: "numeric", size: 6, value: this.seed, onchange: () => this.reseed(seed.value) });
    this.seedBox = seed;
    const gans = GANS.includes(this.n) ? GANS : [...GANS, this.n].sort((a, b) => a - b);
    return make(
      "div.toolbar",
      { role: "toolbar", "aria-label": "training" },
      this.playButton,
      press("+1 step", forward(1)),
      press("+100", forward(100)),
      press("Again", () => this.ask()),
      press("Another seed", () => this.reseed(this.seed + 1)),
      pick("GANs ", gans.map((n) => [n, n.toLocaleString("en")]), this.n, (n) => this.resize(Number(n))),
      pick("Pace ", PACES, this.pace, (pace) => this.repace(pace === "null" ? null : Number(pace))),
      make("label", {}, "Seed ", seed),
      pick("Colours: ", [["g", "what G does"], ["d", "what D does"], ["pairs", "both"]], this.by, (by) => this.recolour(by)), // prettier-ignore
      this.step,
    );
  }

  buttons() {
    this.playButton.textContent = this.ended ? "Train again" : this.playing ? "Pause" : "Play";
    if (this.ended && this.playing) this.playButton.textContent = "Pause";
  }

  reseed(text) {
    const seed = Number(text);
    this.seed = String(text).trim() && Number.isInteger(seed) ? seed : text;
    this.seedBox.value = this.seed;
    this.ended = false;
    this.ask();
  }

  resize(n) {
    this.n = n;
    this.ask();
  }

  repace(pace) {
    this.pace = pace;
    this.change({ pace });
    this.told({ configurations: this.configurations, n: this.n, seed: this.seed, pace });
  }

  recolour(by) {
    this.by = by;
    this.only = -1;
    this.columns.forEach((column) => column.again());
  }

  texts() {
    const copied = (of) => make("button", { type: "button", onclick: (event) => this.copy(of(), event.target) }, "Copy");
    return make(
      "section.texts",
      { "aria-label": "take it with you" },
      make("details", {}, make("summary", {}, "As Python"), copied(() => this.python.textContent), this.python),
      make("details", {}, make("summary", {}, "As TOML, for gansim run"), copied(() => this.toml.textContent), this.toml),
      make("p", {}, make("button", { type: "button", onclick: (event) => this.copy(location.href, event.target) }, "Copy this page's address"), " It holds the configuration: whoever runs gansim explore sees the same GANs."),
    );
  }

  async copy(text, button) {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed: select and copy";
    }
    setTimeout(() => (button.textContent = before), 1500);
  }

  /** Show the controls of one of the configurations. */
  edit(k) {
    this.editing = k;
    const several = this.configurations.length > 1;
    this.tabs.replaceChildren(
      ...(several ? this.configurations.map((_, i) => make("button", { type: "button", "aria-pressed": String(i === k), onclick: () => this.edit(i) }, NAMES[i])) : []),
      this.configurations.length < 3 ? make("button", { type: "button", onclick: () => this.add() }, several ? "+" : "Compare with another", several ? make("span.hidden-text", {}, " one more configuration") : null) : null ?? "",
      several ? make("button", { type: "button", onclick: () => this.remove(k) }, `Remove ${NAMES[k]}`) : "",
    );
    this.fields.replaceChildren(...configuration(this.about, this.configurations[k], () => this.soon()));
  }

  add() {
    this.configurations.push(structuredClone(this.configurations[this.editing]));
    this.edit(this.configurations.length - 1);
    this.ask();
  }

  remove(k) {
    this.configurations.splice(k, 1);
    this.edit(Math.max(0, k - 1));
    this.ask();
  }

  arrange(count) {
    this.columns.forEach((column) => column.close());
    this.whichRep = make("input", { type: "text", inputMode: "numeric", size: 5, value: this.rep, onchange: () => this.choose(Number(this.whichRep.value) || 0) });
    this.columns = Array.from({ length: count }, (_, k) => new Column(this, k, count));
    this.columnsBox.replaceChildren(...this.columns.map((column) => column.root));
    this.columnsBox.dataset.count = count;
    this.columns[0].chooser.append(
      make("button", { type: "button", onclick: () => this.choose(this.rep - 1) }, "‹", make("span.hidden-text", {}, "the GAN before")),
      make("label", {}, "GAN ", this.whichRep),
      make("button", { type: "button", onclick: () => this.choose(this.rep + 1) }, "›", make("span.hidden-text", {}, "the next GAN")),
    );
  }

  /** How shares differ, pair by pair of GANs with the same random numbers. */
  compare(differences) {
    if (!differences.length) return;
    const key = differences.map((one) => one.step + (one.ended ? "!" : "")).join();
    if (this.compared === `${this.generation} ${key}`) return;
    this.compared = `${this.generation} ${key}`;
    const when = differences[0].ended ? "in the end" : `at step ${differences[0].step.toLocaleString("en")}`;
    this.differences.replaceChildren(
      make("h2", {}, `Paired differences ${when}`),
      make("p.hint", {}, `Each GAN of one configuration beside the one with the same random numbers of another: ${this.n} pairs; 95 % intervals (Bonett and Price 2012).`),
      ...differences.map((one) => differenceTable(one)),
    );
  }
}

function differenceTable({ a, b, g, d }) {
  const rows = [["g", "G ", g], ["d", "D ", d]].flatMap(([player, who, all]) => // prettier-ignore
    all
      .map((row, k) => [player === "d" && STATES.d[k] === "non-finite" ? null : who + STATES[player][k], row])
      .filter(([name, row]) => name && (row[3] || row[4])),
  );
  const points = (share) => `${share > 0 ? "+" : share < 0 ? "−" : ""}${Math.abs(100 * share).toFixed(1)}`;
  return make(
    "table",
    {},
    make("caption", {}, `${NAMES[b]} minus ${NAMES[a]}, in points`),
    make("thead", {}, make("tr", {}, ...["outcome", "difference", "95 % interval", `only ${NAMES[b]}`, `only ${NAMES[a]}`].map((text, k) => make(k ? "th.number" : "th", { scope: "col" }, text)))),
    make(
      "tbody",
      {},
      ...(rows.length
        ? rows.map(([name, [difference, low, high, onlyB, onlyA]]) =>
            make("tr", {}, make("th", { scope: "row" }, name), make("td.number", {}, points(difference)), make("td.number", {}, `${points(low)} to ${points(high)}`), make("td.number", {}, onlyB), make("td.number", {}, onlyA)),
          )
        : [make("tr", {}, make("td", { colSpan: 5 }, "no pair differs"))]),
    ),
  );
}

// --- one configuration --------------------------------------------------------------------------

/** All GANs of a configuration, and the one that is chosen. */
class Column {
  constructor(view, k, count) {
    this.view = view;
    this.k = k;
    const name = count > 1 ? `${NAMES[k]}: ` : "";
    const canvases = { cloud: canvas(280), shares: canvas(190) };
    this.table = make("table.states");
    this.one = new One(count > 1 ? `${NAMES[k]}, ` : "");
    this.chooser = this.one.chooser;
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

  show(head, arrays, news) {
    this.history.push(...news);
    this.seen = { head, arrays };
    if (head.ended) this.ended = head.ended;
    this.drawMany(news.length > 0 || this.rows !== this.key());
    this.one.show(head, arrays);
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
      mean: arrays.mean,
      std: arrays.std,
      state: arrays[player],
      colours: STATES[player],
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
    return this.view.by === "pairs" ? PAIRS : STATES[this.view.by].map((state) => [state]);
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
    const title = states.map((state) => `${state}: ${MEANING[state]}`).join("; ");
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
    const wanted = by === "pairs" ? [STATES.g.indexOf(states[0]), STATES.d.indexOf(states[1])] : null;
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
    const parts = STATES.g.map((state, k) => [state, last.g[k]]).filter(([, [count]]) => count);
    const told = parts.map(([state, [, share, low, high]]) => `${percent(share)} ${state} [${interval(low, high)}]`);
    return `${name}of ${this.n.toLocaleString("en")} GANs ${told.join(", ")}.`;
  }
}
