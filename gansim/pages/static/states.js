// The table of states: each with its share, interval and number of GANs; a press on one highlights it and shows a GAN.

import { interval, percent } from "./drawing.js";
import { make } from "./elements.js";

/** Rows stay where they are while they change, so that who is on one by the keyboard stays there, too. */
export class StatesTable {
  /** @param {(k: number) => void} pressed takes the position of a state */
  constructor(pressed) {
    this.pressed = pressed;
    this.caption = make("caption");
    this.head = make("tr");
    this.body = make("tbody");
    this.words = make("details.meanings", {}, make("summary", {}, "What the words mean"));
    this.table = make("table.states", {}, this.caption, make("thead", {}, this.head), this.body);
    this.root = make("div", {}, this.table, this.words);
    this.rows = [];
  }

  /**
   * @param {string[][]} levels a state, or one of G and one of D
   * @param {object} meanings of each state of G and of D
   */
  begin(levels, by, meanings, window) {
    const who = { g: "G", d: "D", pairs: "G, D" }[by];
    this.head.replaceChildren(
      ...[who, "share", "95 % interval", "GANs"].map((text, k) => make(k ? "th.number" : "th", { scope: "col" }, text)),
    );
    this.rows = levels.map((states, k) => this.row(states, k));
    this.body.replaceChildren(...this.rows.map((row) => row.element));
    const told = by === "pairs" ? ["g", "d"] : [by];
    const entries = told.flatMap((player) => Object.entries(meanings[player]).map(([state, text]) => [player.toUpperCase(), state, text]));
    this.words.replaceChildren(
      this.words.firstChild,
      make("dl", {}, ...entries.flatMap(([player, state, text]) => [make("dt", {}, `${player} ${state}`), make("dd", {}, text)])),
      make("p.hint", {}, `While they train each record is judged by itself, as in the curves below; in the end the last ${window} records together decide.`),
    );
  }

  row(states, k) {
    const swatch = make("span.swatch", { "aria-hidden": "true" });
    swatch.dataset.state = states[states.length > 1 ? 1 : 0].replaceAll(" ", "-");
    if (states.length > 1) swatch.dataset.ring = states[0].replaceAll(" ", "-");
    const button = make("button.state", { type: "button", onclick: () => this.pressed(k) }, swatch, [...new Set(states)].join(", "));
    const cells = ["share", "interval", "count"].map(() => make("td.number"));
    return { button, cells, element: make("tr", {}, make("th", { scope: "row" }, button), ...cells) };
  }

  /** @param counted [count, share, low, high] of each state; shown(k, count): whether its row is seen */
  show(caption, counted, only, shown) {
    this.caption.textContent = caption;
    this.rows.forEach(({ button, cells, element }, k) => {
      const [count, share, low, high] = counted[k];
      element.hidden = !shown(k, count);
      button.setAttribute("aria-pressed", String(only === k));
      button.setAttribute("aria-disabled", String(!count));
      [percent(share), interval(low, high), count.toLocaleString("en")].forEach((text, i) => (cells[i].textContent = text));
    });
  }
}
