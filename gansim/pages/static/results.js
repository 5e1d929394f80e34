// Results: an outcome by one factor or two; the runs of a cell; one of them trained again, beside its stored bits.

import { Plot, interval, number, percent, widened } from "./drawing.js";
import { canvas, make } from "./elements.js";
import { One } from "./one.js";

const MOST_LINES = 8;
const PATTERNS = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
const LINES = ["perfect", "off target", "converged", "collapsed", "idle", "inverted", "mixed", "modes dropped"];

async function asked(path, given) {
  const answer = await fetch(`${path}?${new URLSearchParams(given)}`);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.message);
  return data;
}

/** The view; `line` has send(object) and next(), a number for each that is asked, and calls `receive`. */
export class Results {
  constructor(root, line) {
    this.line = line;
    this.generation = 0;
    this.box = make("main", { id: "main", tabIndex: -1 }, make("p", { role: "status" }, "Reading the runs ..."));
    root.replaceChildren(this.box);
    root.className = "results";
    this.begin();
  }

  async begin() {
    const about = await asked("/results.json", {});
    if (about.missing) {
      this.box.replaceChildren(make("h2", {}, about.name), make("p", {}, about.missing));
      return;
    }
    this.about = about;
    this.design = about.designs[0];
    this.build();
    this.redesign();
  }

  build() {
    const { about } = this;
    this.refusal = make("p.refusal", { role: "alert", hidden: true });
    this.pickers = {};
    const pick = (name, label, act) => {
      this.pickers[name] = make("select", { onchange: act });
      return make("label", {}, `${label} `, this.pickers[name]);
    };
    this.bar = make(
      "div.toolbar",
      { role: "toolbar", "aria-label": "what is shown" },
      about.designs.length > 1 ? pick("design", "Design", () => this.redesign()) : null ?? "",
      pick("outcome", "Outcome", () => this.ask()),
      pick("x", "by", () => this.ask()),
      pick("y", "and by", () => this.ask()),
    );
    this.pickers.design?.append(...about.designs.map(({ name, runs }, k) => make("option", { value: k }, `${name} (${runs.toLocaleString("en")} runs)`)));
    this.picture = make("section.picture", { "aria-label": "the outcome by factors" });
    this.list = make("section.list", { "aria-label": "runs" });
    this.replay = make("section.replay", { "aria-label": "one run again" });
    const runs = `${about.runs.toLocaleString("en")} runs, seed ${about.seed}`;
    this.box.replaceChildren(make("h2", {}, `${about.name}: ${runs}`), this.refusal, this.bar, this.picture, make("div.below", {}, this.list, this.replay));
  }

  redesign() {
    this.design = this.about.designs[Number(this.pickers.design?.value ?? 0)];
    const { factors, outcomes } = this.design;
    const options = (list, name) => list.map((one) => make("option", { value: one[name] }, one.label));
    this.pickers.outcome.replaceChildren(...options(outcomes, "value"));
    this.pickers.x.replaceChildren(...options(factors, "name"));
    this.pickers.y.replaceChildren(make("option", { value: "" }, "nothing else"), ...options(factors, "name"));
    if (factors.length > 1) this.pickers.y.value = factors[1].name;
    this.ask();
  }

  chosen() {
    const { outcome, x, y } = this.pickers;
    const given = { design: this.design.name, outcome: outcome.value, x: x.value };
    return y.value && y.value !== x.value ? { ...given, y: y.value } : given;
  }

  async ask() {
    const given = this.chosen();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const data = await asked("/results/cells.json", given);
      if (turn !== this.turn) return;
      this.refusal.hidden = true;
      const same = this.given && this.given.design === given.design && this.given.x === given.x && this.given.y === given.y;
      this.given = given;
      this.draw(data);
      if (!same) this.listRuns({}, "all runs of the design");
    } catch (error) {
      this.refusal.textContent = error.message;
      this.refusal.hidden = false;
    }
  }

  // --- the picture ----------------------------------------------------------------------------

  draw(data) {
    const parts = [this.table(data)];
    if (data.numbers || !data.y) parts.unshift(this.lines(data));
    this.picture.replaceChildren(...parts);
    parts.forEach((part) => part.later?.());
  }

  text({ share }, row) {
    if (row.value === null) return ["–", "", ""];
    const limits = row.low === null ? "" : share ? interval(row.low, row.high) : `${rounded(row.low, row)} to ${rounded(row.high, row)}`;
    return [share ? percent(row.value) : rounded(row.value, row), limits, `n ${row.n.toLocaleString("en")}`];
  }

  /** A table with the interval in every cell, which is a button; shares shade it. */
  table(data) {
    const columns = data.y ?? [""];
    const at = new Map(data.rows.map((row) => [`${row.x} ${row.y}`, row]));
    const values = data.rows.map((row) => row.value).filter((value) => value !== null);
    const [low, high] = data.share ? [0, 1] : [Math.min(...values), Math.max(...values)];
    const cell = (x, y) => {
      const row = at.get(`${x} ${y}`);
      if (!row) return make("td", {}, "–");
      const [value, limits, n] = this.text(data, row);
      const where = [`${data.by[0]} ${data.x[x]}`, ...(data.y ? [`${data.by[1]} ${data.y[y]}`] : [])].join(", ");
      const button = make("button.cell", { type: "button", onclick: () => this.listRuns(data.y ? { at_x: x, at_y: y } : { at_x: x }, where) }, make("strong", {}, value), make("span", {}, limits), make("span", {}, n));
      const shade = row.value === null || high <= low ? 0 : (row.value - low) / (high - low);
      button.style.setProperty("--shade", `${Math.round(55 * shade)}%`);
      return make("td", {}, button);
    };
    return make(
      "div.wide",
      { tabIndex: 0, role: "region", "aria-label": "table" },
      make(
        "table.cells",
        {},
        make("caption", {}, `${data.label[0].toUpperCase()}${data.label.slice(1)}, 95 % interval and number of runs; a press on a cell lists its runs`),
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, data.by.join(" \\ ")), ...columns.map((text) => make("th", { scope: "col" }, text)))),
        make("tbody", {}, ...data.x.map((text, x) => make("tr", {}, make("th", { scope: "row" }, text), ...columns.map((_, y) => cell(x, y))))),
      ),
    );
  }

  /** Lines with intervals over the first factor, one a level of the second. */
  lines(data) {
    const box = canvas(260, data.label);
    const levels = data.y ?? [""];
    const numeric = data.numbers !== null && data.numbers.length > 1;
    const log = numeric && data.numbers.every((value) => value > 0) && Math.max(...data.numbers) >= 20 * Math.min(...data.numbers);
    const x = numeric ? data.numbers : data.x.map((_, k) => k);
    const ticks = numeric ? undefined : data.x.map((text, k) => [k, text]);
    const plot = new Plot(box, {
      title: data.label,
      x: { label: data.by[0], way: log ? "log" : "linear", ticks },
      y: data.share ? { ticks: [0, 0.5, 1].map((share) => [share, `${100 * share} %`]) } : {},
    });
    const drawn = levels.slice(0, MOST_LINES).map((level, y) => {
      const rows = data.rows.filter((row) => row.y === y && row.value !== null).sort((a, b) => x[a.x] - x[b.x]);
      return { level, colour: LINES[y], dash: PATTERNS[y % PATTERNS.length], rows };
    });
    const numbers = data.rows.flatMap((row) => [row.value, row.low, row.high]).filter(Number.isFinite);
    const inner = log ? [Math.min(...x) / 1.3, Math.max(...x) * 1.3] : widened([Math.min(...x), Math.max(...x)], 0.06);
    const bar = (row, colour) => ({ kind: "line", x: [x[row.x], x[row.x]], y: [row.low, row.high], colour, width: 2 });
    const legend = make("p.legend", {}, ...(data.y ? drawn.map((one) => make("span.entry", {}, sample(one), `${data.by[1]} ${one.level}`)) : []));
    if (levels.length > MOST_LINES) legend.append(` the first ${MOST_LINES} of ${levels.length} are drawn`);
    const part = make("div", {}, box, legend);
    part.later = () =>
      plot.draw({
        x: inner,
        y: data.share ? [-0.02, 1.02] : widened([Math.min(...numbers), Math.max(...numbers)]),
        layers: drawn.flatMap(({ rows, colour, dash }) => [
          { kind: "line", x: rows.map((row) => x[row.x]), y: rows.map((row) => row.value), colour, dash },
          ...rows.map((row) => bar(row, colour)),
          ...rows.map((row) => ({ kind: "dot", x: x[row.x], y: row.value, colour, size: 4 })),
        ]),
      });
    return part;
  }

  // --- runs -----------------------------------------------------------------------------------

  async listRuns(where, title, state = "") {
    const data = await asked("/results/runs.json", { ...this.given, ...where, state });
    const choose = make("select", { onchange: () => this.listRuns(where, title, choose.value) });
    choose.append(make("option", { value: "" }, "any regime"), ...Object.entries(data.regimes).filter(([, count]) => count).map(([regime, count]) => make("option", { value: regime }, `${regime} (${count.toLocaleString("en")})`)));
    choose.value = state;
    const more = data.n > data.rows.length ? `, the first ${data.rows.length} are listed` : "";
    const cell = (value, name) => make(typeof value === "number" && name !== "regime" ? "td.number" : "td", {}, typeof value === "number" ? number(value) : value ?? "–");
    this.list.replaceChildren(
      make("h2", {}, `Runs: ${title}`),
      make("p", {}, make("label", {}, "Regime ", choose), ` ${data.n.toLocaleString("en")} runs${more}`),
      data.replay ? "" : make("p.hint", {}, "These games have no networks to look at: gs.trace has their parameters."),
      make(
        "div.wide.tall",
        { tabIndex: 0, role: "region", "aria-label": "list of runs" },
        make(
          "table",
          {},
          make("thead", {}, make("tr", {}, data.replay ? make("th", { scope: "col" }, make("span.hidden-text", {}, "again")) : "", ...data.columns.map((text) => make("th", { scope: "col" }, text)))),
          make("tbody", {}, ...data.rows.map((row) => make("tr", {}, data.replay ? make("td", {}, this.againButton(row[0], row[1])) : "", ...row.map((value, k) => cell(value, data.names[k]))))),
        ),
      ),
    );
  }

  againButton(cell, rep) {
    const whose = make("span.hidden-text", {}, ` cell ${cell}, replicate ${rep}`);
    return make("button.again", { type: "button", onclick: () => this.again(cell, rep) }, "Train again", whose);
  }

  // --- one run again ----------------------------------------------------------------------------

  again(cell, rep) {
    this.generation = this.line.next();
    this.one?.close();
    this.one = new One(`cell ${cell}, `);
    this.status = make("p.status", { role: "status" }, "Training it again ...");
    this.step = make("span.step");
    const pause = make("button", { type: "button", onclick: () => this.pause(pause) }, "Pause");
    const once = make("button", { type: "button", onclick: () => this.again(cell, rep) }, "Start over");
    this.replay.replaceChildren(make("div.toolbar", {}, pause, once, this.step), this.status, this.one.root);
    this.line.send({ do: "configure", replay: true, generation: this.generation, cell, rep, pace: 6, playing: true });
    this.replay.scrollIntoView({ block: "nearest" });
  }

  pause(button) {
    const playing = button.textContent === "Play";
    button.textContent = playing ? "Pause" : "Play";
    this.line.send({ do: "change", playing });
  }

  receive({ head, arrays }) {
    if (head.kind === "frame") this.line.send({ do: "drawn" });
    if (head.generation < this.generation || !this.status) return;
    if (head.kind === "compiling") this.say("Compiling for the first time: some ten seconds.");
    if (head.kind === "refused" || head.kind === "failed") this.say(head.message);
    if (head.kind === "ready") this.one.begin(head.about[0]);
    if (head.kind !== "frame") return;
    const [one] = head.configurations;
    const own = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name.slice(2), array]));
    this.one.show(one, own);
    this.step.textContent = `step ${one.step.toLocaleString("en")}`; // no status: it would be read out ten times a second
    if (!head.done) return;
    if (one.bits === true) this.say(`Done: all ${own.steps.length} records have the stored bits.`);
    else if (one.bits === false) this.say("Done: its records are not the stored ones. gansim verify says more.");
    else this.say("Done. Its records are not stored here: nothing to compare with.");
  }

  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text;
  }
}

/** A piece of a line as it is drawn, for the legend. */
function sample({ colour, dash }) {
  const box = make("canvas.sample", { "aria-hidden": "true" });
  const [wide, tall] = [28, 10];
  [box.width, box.height] = [2 * wide, 2 * tall];
  const paint = () => {
    const pen = box.getContext("2d");
    pen.setTransform(2, 0, 0, 2, 0, 0);
    pen.clearRect(0, 0, wide, tall);
    pen.strokeStyle = getComputedStyle(box).getPropertyValue(`--${colour.replaceAll(" ", "-")}`);
    pen.lineWidth = 2;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(0, tall / 2);
    pen.lineTo(wide, tall / 2);
    pen.stroke();
  };
  requestAnimationFrame(paint); // once it is in the page, which knows the colour
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  return box;
}

/** A number to as many places as its interval leaves a meaning to. */
function rounded(value, { low, high }) {
  const wide = high - low;
  const places = wide > 0 ? Math.max(0, Math.min(12, 1 - Math.floor(Math.log10(wide)))) : null;
  return places === null ? number(value) : value.toFixed(places).replace("-", "−");
}
