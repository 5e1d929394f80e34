// Train: up to three configurations, hundreds of GANs of each, as they learn; one of them beside it.

import { Column, NAMES } from "./column.js";
import { Kept } from "./kept.js";
import { configuration } from "./controls.js";
import { make } from "./elements.js";
import { plane } from "./panels.js";

const GANS = [16, 64, 256, 1024, 4096];
const PACES = [[60, "slow: in 60 s"], [15, "in 15 s"], [5, "in 5 s"], [null, "as fast as it goes"]]; // prettier-ignore

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
    this.kept = new Kept(line);
    this.noticed = start.notice;
    this.told = start.told; // is told what is asked, for the address, where the page has one of its own
    this.build(root);
    this.ask();
  }

  // --- what is asked ------------------------------------------------------------------------

  /** Train what the controls say, from the beginning. */
  ask() {
    this.generation = this.line.next();
    this.playing = true;
    this.ended = false;
    const { configurations, n, seed, pace, rep, generation } = this;
    const asked = { generation, configurations, n, seed };
    this.line.send({ do: "configure", ...asked, pace, playing: true, rep: Math.min(rep, n - 1) });
    clearTimeout(this.later); // what is asked as text can wait until nothing is dragged any more
    this.later = setTimeout(() => this.line.send({ do: "texts", ...asked }), 250);
    this.rep = Math.min(rep, n - 1);
    this.buttons();
    this.tell();
  }

  /** Put what is asked into the page's address, and say so if it does not fit. */
  tell() {
    if (!this.told) return;
    const { n, seed, pace } = this;
    const fits = this.told({ configurations: this.configurations.map((one) => this.kept.written(one)), n, seed, pace });
    this.addressNote.textContent = fits ? "" : "Not now: the values are too many for an address.";
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

  /** A number that was typed: of a GAN, or none. */
  pickRep(text) {
    const rep = text.trim() === "" ? NaN : Number(text);
    this.choose(Number.isInteger(rep) && rep >= 0 ? Math.min(rep, this.n - 1) : NaN);
  }

  /** The line is there again, perhaps to an engine that has begun anew. */
  resume() {
    this.kept.again();
    this.ask();
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
    this.rep = Number.isInteger(rep) ? (rep + this.n) % this.n : this.rep;
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

  on_kept({ digest }) {
    this.kept.known(digest);
  }

  on_texts({ python, toml }) {
    this.python.textContent = python;
    this.toml.textContent = toml;
  }

  on_refused({ message, of }) {
    if (of === "keep") this.kept.refused();
    this.refusal.textContent = inWords(message, this.about.fields);
    this.refusal.hidden = false;
  }

  on_failed({ message }) {
    this.on_refused({ message });
  }

  on_compiling({ shapes }) {
    this.say(`Compiling networks ${shapes.join(" and ")} for the first time: ten seconds to a minute. What is seen is from before.`);
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
        this.columns[k].take(one, own, news.flatMap((all) => all[k]));
      });
      this.plane = plane(this.columns.map((column) => column.places()), this.plane);
      this.columns.forEach((column) => column.draw());
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
    this.addressNote = make("strong");
    this.python = make("pre", { tabIndex: 0, role: "group", "aria-label": "Python" });
    this.toml = make("pre", { tabIndex: 0, role: "group", "aria-label": "TOML" });
    const notice = this.noticed ? make("p.refusal", { role: "status" }, this.noticed) : "";
    this.main = make("main", { id: "main", tabIndex: -1 }, this.toolbar(), this.status, this.columnsBox, this.differences, this.texts());
    root.replaceChildren(make("aside", { "aria-label": "controls", id: "controls", tabIndex: -1 }, notice, this.refusal, this.tabs, this.fields), this.main);
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
    this.playButton = press("", () => this.play(!this.playing), { className: "first" });
    const forward = (steps) => () => {
      if (this.playing) this.play(false);
      this.change({ steps });
    };
    const seed = make("input", { type: "text", inputMode: "numeric", size: 6, value: this.seed, onchange: () => this.reseed(seed.value) });
    this.seedBox = seed;
    this.whichRep = make("input", { type: "text", inputMode: "numeric", size: 4, value: this.rep, onchange: () => this.pickRep(this.whichRep.value) });
    const chooser = make(
      "span.chooser",
      {},
      press("‹", () => this.choose(this.rep - 1), { "aria-label": "the GAN before" }),
      make("label", {}, "GAN ", this.whichRep),
      press("›", () => this.choose(this.rep + 1), { "aria-label": "the next GAN" }),
    );
    const gans = GANS.includes(this.n) ? GANS : [...GANS, this.n].sort((a, b) => a - b);
    return make(
      "div.toolbar",
      { role: "toolbar", "aria-label": "training" },
      this.playButton,
      press("+1 step", forward(1)),
      press("+100", forward(100)),
      press("Start over", () => this.ask()),
      press("Another seed", () => this.reseed(this.seed + 1)),
      pick("GANs ", gans.map((n) => [n, n.toLocaleString("en")]), this.n, (n) => this.resize(Number(n))),
      pick("Pace ", PACES, this.pace, (pace) => this.repace(pace === "null" ? null : Number(pace))),
      make("label", {}, "Seed ", seed),
      pick("Colours: ", [["g", "what G does"], ["d", "what D does"], ["pairs", "both"]], this.by, (by) => this.recolour(by)), // prettier-ignore
      chooser,
      press("Controls", () => document.getElementById("controls").focus(), { className: "to-controls" }),
      this.step,
    );
  }

  buttons() {
    this.playButton.textContent = this.playing ? "Pause" : "Play";
    this.playButton.disabled = this.ended;
  }

  reseed(text) {
    const seed = String(text).trim() === "" ? NaN : Number(text);
    if (!Number.isSafeInteger(seed) || seed < 0) {
      this.on_refused({ message: `seed: value ${text}: an integer from 0 to ${Number.MAX_SAFE_INTEGER.toLocaleString("en")}, as far as a page counts` });
      return;
    }
    this.seed = seed;
    this.seedBox.value = seed;
    this.ask();
  }

  resize(n) {
    this.n = n;
    this.ask();
  }

  repace(pace) {
    this.pace = pace;
    this.change({ pace });
    this.tell();
  }

  recolour(by) {
    this.by = by;
    this.only = -1;
    this.columns.filter((column) => column.fixed).forEach((column) => column.recolour());
    this.columns.forEach((column) => column.again());
  }

  /** Let all points fade but those in a state; -1: none. */
  highlight(k) {
    this.only = k;
    this.columns.forEach((column) => column.again());
  }

  texts() {
    const copied = (of) => make("button", { type: "button", onclick: (event) => this.copy(of(), event.target) }, "Copy");
    return make(
      "section.texts",
      { "aria-label": "take it with you" },
      make("details", {}, make("summary", {}, "As Python"), copied(() => this.python.textContent), this.python),
      make("details", {}, make("summary", {}, "As TOML, for gansim run"), copied(() => this.toml.textContent), this.toml),
      this.told
        ? make(
            "p",
            {},
            make("button", { type: "button", onclick: (event) => this.copy(location.href, event.target) }, "Copy this page's address"),
            " It holds the configuration: whoever has opened gansim explore, on the same port, and follows it sees the same GANs. ",
            this.addressNote,
          )
        : "",
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
    this.fields.replaceChildren(...configuration(this.about, this.configurations[k], { soon: () => this.soon(), keep: (numbers, then) => this.kept.keep(numbers, then) }));
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
    this.columns = Array.from({ length: count }, (_, k) => new Column(this, k, count));
    this.columnsBox.replaceChildren(...this.columns.map((column) => column.root));
    this.columnsBox.dataset.count = count;
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
      ...differences.map((one) => differenceTable(one, this.about.states)),
    );
  }
}

function differenceTable({ a, b, g, d }, states) {
  const rows = [["g", "G ", g], ["d", "D ", d]].flatMap(([player, who, all]) => // prettier-ignore
    all
      .map((row, k) => [player === "d" && states.d[k] === "non-finite" ? null : who + states[player][k], row])
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

/** A refusal with the name of its control instead of the field's: "Learning rate of G: value -1: ...". */
function inWords(message, fields) {
  const found = message.match(/^(configuration [ABC]: )?([a-z_]+(?:\.[a-z_0-9]+)*)((?:\[\d+\])*): /);
  if (!found) return message;
  let told = { kinds: { "": fields } };
  for (const name of found[2].split(".")) {
    told = Object.values(told?.kinds ?? {}).map((kind) => kind[name]).find(Boolean);
  }
  return told ? `${found[1] ?? ""}${told.label}: ${message.slice(found[0].length)}` : message;
}
