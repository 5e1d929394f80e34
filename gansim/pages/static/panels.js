// What is seen of one GAN and of many: densities, D(x), V over training, fakes in the (mean, spread) plane. The same
// four for the explorer, for the player of recorded runs and for notebooks.

import { Plot, ends, nearlyAll, number, widened } from "./drawing.js";

const LOG4 = Math.log(4);

/** The target's density and the fakes' histogram. */
export function densities(canvas) {
  const plot = new Plot(canvas, { title: "Density of the target and of G's fakes", y: { ticks: [] } });
  return {
    plot,
    /** @param view {x, outline: [x, y], edges, peak}; heights of the fakes in its bins; colour of G's state */
    show({ view, heights, top, colour, note }) {
      const [x, y] = view.outline;
      plot.draw({
        x: [view.edges[0], view.edges[view.edges.length - 1]],
        y: [0, top],
        note,
        layers: [
          { kind: "area", x, y, colour: "faint" },
          { kind: "line", x, y, colour: "grey", width: 1 },
          ...(heights ? [{ kind: "steps", edges: view.edges, heights, colour, alpha: 0.25 }] : []),
        ],
      });
    },
  };
}

/** D over the same axis; of a D that is no probability its output, from the least to the greatest. */
export function discriminator(canvas, ofProbability = true, title = "D(x)") {
  const ticks = ofProbability ? [[0, "0"], [0.5, "½"], [1, "1"]] : [[0, "low"], [1, "high"]]; // prettier-ignore
  const plot = new Plot(canvas, { y: { ticks } });
  return {
    plot,
    show({ view, d, colour }) {
      const [x, y] = view.outline;
      plot.draw({
        title,
        x: [view.edges[0], view.edges[view.edges.length - 1]],
        y: [-0.05, 1.05],
        layers: [
          { kind: "area", x, y: y.map((one) => one / view.peak), colour: "faint", alpha: 0.6 },
          ...(ofProbability ? [{ kind: "level", y: 0.5, colour: "faint", dash: [] }] : []),
          ...(d ? [{ kind: "line", x: view.x, y: d, colour, width: 2 }] : []),
        ],
      });
    },
  };
}

/** V(D, G) over training, beside the best D's; linear down to -2, logarithmic below. */
export function value(canvas) {
  const plot = new Plot(canvas, { title: "V(D, G), nats; dashed: the best D's", x: { label: "training step" }, y: { way: "v" } });
  return {
    plot,
    /** @param decided the steps between which the records lie that decide the label, or null */
    show({ steps, v, best, until, colour, decided, now }) {
      const [low, high] = ends([...v, ...best], [0, -LOG4]);
      plot.draw({
        x: [0, until],
        y: [low < -2 ? 1.5 * low : low - 0.1, high + 0.1],
        layers: [
          ...(decided ? [{ kind: "span", from: decided[0], to: decided[1] }] : []),
          { kind: "level", y: -LOG4, colour: "faint", dash: [] },
          { kind: "line", x: steps, y: best, colour: "grey", dash: [5, 3] },
          { kind: "line", x: steps, y: v, colour, width: 2 },
          ...(now === undefined ? [] : [{ kind: "moment", x: now, colour: "ink" }]),
        ],
      });
    },
  };
}

/** How D ranks: the share of pairs whose real sample it scores above the fake; of games whose D is no probability. */
export function ranking(canvas) {
  const plot = new Plot(canvas, { title: "real scored above fake (share)", x: { label: "training step" } });
  return {
    plot,
    show({ steps, auc, until, colour, decided, now }) {
      plot.draw({
        x: [0, until],
        y: [-0.03, 1.03],
        layers: [
          ...(decided ? [{ kind: "span", from: decided[0], to: decided[1] }] : []),
          { kind: "level", y: 0.5, colour: "faint", dash: [] },
          { kind: "line", x: steps, y: auc, colour, width: 2 },
          ...(now === undefined ? [] : [{ kind: "moment", x: now, colour: "ink" }]),
        ],
      });
    },
  };
}

/** The (mean, spread) plane: where one run has been, and where it is; the cross is the target. */
export function path(canvas) {
  const plot = new Plot(canvas, {
    title: "Mean and spread of the fakes; cross: target",
    x: { label: "mean (data units)" },
    y: { label: "standard deviation" },
  });
  return {
    plot,
    show({ mean, std, target, k, colour }) {
      plot.draw({
        x: widened(nearlyAll(mean, [target[0] - target[1], target[0] + target[1]], 0)),
        y: [0, 1.15 * nearlyAll(std, [target[1]], 0)[1]],
        layers: [
          { kind: "line", x: mean.slice(0, k + 1), y: std.slice(0, k + 1), colour: "grey", width: 1 },
          { kind: "cross", x: target[0], y: target[1] },
          { kind: "dot", x: mean[k], y: std[k], colour },
        ],
      });
      plot.describe(`Fakes have mean ${number(mean[k])} and standard deviation ${number(std[k])}; the target ${number(target[0])} and ${number(target[1])}.`);
    },
  };
}

/** The (mean, spread) plane of many GANs, each a point in the colour of its state. */
export function cloud(canvas, { title } = {}) {
  const plot = new Plot(canvas, { title: title ?? "Every GAN: mean and spread of its fakes; cross: target", x: { label: "mean (data units)" }, y: { label: "standard deviation" } });
  return {
    plot,
    /** @param ends of both axes, as `plane` finds them */
    show({ ends: { x, y }, mean, std, state, colours, target, chosen, only }) {
      plot.draw({
        x,
        y,
        layers: [
          { kind: "points", x: mean, y: std, state, colours, chosen, only, size: mean.length > 2000 ? 2 : 3 },
          { kind: "cross", x: target[0], y: target[1] },
        ],
      });
    },
  };
}

/**
 * Ends of the (mean, spread) plane for clouds that are compared: those of before, unless points leave them, or leave
 * much of them empty.
 */
export function plane(clouds, before) {
  const each = clouds.map(({ mean, std, target: [middle, spread] }) => ({
    x: widened(nearlyAll(mean, [middle - spread, middle + spread]), 0.08),
    y: [0, 1.1 * nearlyAll(std, [1.5 * spread])[1]],
  }));
  const [x, y] = ["x", "y"].map((axis) => ends(each.map((one) => one[axis][0]), each.map((one) => one[axis][1])));
  return before && holds(before.x, x) && holds(before.y, y) ? before : { x, y };
}

function holds(outer, inner) {
  const room = 0.1 * (outer[1] - outer[0]);
  return inner[0] >= outer[0] - room && inner[1] <= outer[1] + room && inner[1] - inner[0] > 0.6 * (outer[1] - outer[0]);
}

/** Shares of runs over training, a line and a band of its 95 % interval a state. */
export function shares(canvas, title) {
  const plot = new Plot(canvas, {
    title,
    x: { label: "training step" },
    y: { ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${100 * share} %`]) },
  });
  return {
    plot,
    /** @param lines [{name, colour, dash, share, low, high}] over the same steps */
    show({ steps, lines, until, decided }) {
      plot.draw({
        x: [0, until],
        y: [0, 1.02],
        layers: [
          ...(decided ? [{ kind: "span", from: decided[0], to: decided[1] }] : []),
          ...lines.map(({ low, high, colour }) => ({ kind: "band", x: steps, low, high, colour, alpha: 0.22 })),
          ...lines.map(({ share, colour, dash }) => ({ kind: "line", x: steps, y: share, colour, dash, width: 2 })),
        ],
      });
    },
  };
}
