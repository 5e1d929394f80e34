// One GAN as it is now: densities, D, V over training.

import { number } from "./drawing.js";
import { canvas, make } from "./elements.js";
import { densities, discriminator, ranking, value } from "./panels.js";

export class One {
  /** @param {string} name what its heading begins with */
  constructor(name = "") {
    this.name = name;
    this.canvases = { densities: canvas(150, "densities"), d: canvas(110, "D"), v: canvas(150, "V over training") };
    this.who = make("h2", {}, `${name}one GAN`);
    const { densities: first, d, v } = this.canvases;
    this.root = make("div.one", {}, this.who, first, d, v);
    this.panels = { densities: densities(first) };
  }

  close() {
    Object.values(this.panels).forEach((panel) => panel.plot.close());
  }

  /** Another training begins. */
  begin(about) {
    this.fixed = about;
    this.axis = null;
    this.panels.d?.plot.close();
    this.panels.v?.plot.close();
    const name = about.probability ? (about.packing > 1 ? "D(x, others)" : "D(x)") : "D's output";
    this.panels.d = discriminator(this.canvases.d, about.probability, `${name} over the same axis`);
    this.panels.v = about.probability ? value(this.canvases.v) : ranking(this.canvases.v);
  }

  show({ chosen }, arrays) {
    if (chosen.view) this.axis = chosen.view;
    this.who.textContent = `${this.name}GAN ${chosen.rep}: G ${chosen.g}, D ${chosen.d}`;
    if (this.axis) {
      const { heights, judged } = arrays;
      this.panels.densities.show({ view: this.axis, heights, top: chosen.top, colour: chosen.g, note: chosen.note });
      this.panels.d.show({ view: this.axis, d: judged, colour: chosen.d });
      const [least, most] = [Math.min(...judged), Math.max(...judged)];
      this.panels.d.plot.describe(`D over the axis: from ${number(least)} to ${number(most)}. D is ${chosen.d}.`);
      const [mean, std] = chosen.place;
      const [wanted, spread] = this.fixed.target;
      this.panels.densities.plot.describe(
        `Fakes of GAN ${chosen.rep}: mean ${number(mean)}, standard deviation ${number(std)}; target ${number(wanted)} ` +
          `and ${number(spread)}. G is ${chosen.g}, D is ${chosen.d}.`,
      );
    }
    const last = this.fixed.probability ? `V is ${number(chosen.v)}` : `Real is scored above fake in ${number(chosen.auc)} of pairs`;
    this.panels.v.plot.describe(`${last} at the last record; a D of 1/2 everywhere has −1.386.`);
    this.panels.v.show({
      steps: arrays.steps,
      v: arrays.v,
      best: arrays.v_max,
      auc: arrays.auc,
      until: this.fixed.until,
      colour: chosen.d,
      decided: this.fixed.decided,
    });
  }
}
