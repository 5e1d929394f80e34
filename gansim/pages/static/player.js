// A recorded run that plays: densities, D(x), V over training, the way of the fakes in the (mean, spread) plane, with
// play, pause, a slider and keys. A recording is what gansim/showing/recordings.py makes.

import { number } from "./drawing.js";
import { make } from "./elements.js";
import { densities, discriminator, path, ranking, value } from "./panels.js";

const PACE = 83; // milliseconds a frame: twelve a second, as films of gansim have
const CALM = 700; // where motion is not wanted: ten pictures in all, each long enough to be read
const CALM_FRAMES = 10;

/** Numbers of a recording from its bytes: a list of rows, NaN where there is none. */
export function unpacked({ bytes, bits, low, high, steps, shape }) {
  const text = atob(bytes);
  const [rows, columns] = shape;
  const wide = bits / 8;
  const found = [];
  for (let row = 0; row < rows; row++) {
    const values = new Float64Array(columns);
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * wide;
      const code = wide === 1 ? text.charCodeAt(at) : text.charCodeAt(at) + 256 * text.charCodeAt(at + 1);
      values[column] = code > steps ? NaN : low + (code * (high - low)) / steps;
    }
    found.push(values);
  }
  return found;
}

const numbers = (list) => (list ?? []).map((one) => (one === null ? NaN : one));

/**
 * Put a player of a recorded run into an element.
 *
 * @param {HTMLElement} place emptied first; .gansim is around it, or it is one
 * @param {object} recording
 * @returns {{show: (frame: number) => void, play: () => void, pause: () => void, close: () => void}}
 */
export function player(place, recording) {
  const { frames, view, series, target } = recording;
  const last = frames.length - 1;
  if (last < 0) {
    place.replaceChildren(make("p", {}, "Not finite from its first record on: there is nothing to play."));
    return { show() {}, play() {}, pause() {}, close() {} };
  }
  const heights = unpacked(recording.heights);
  const judged = unpacked(recording.d);
  const steps = series.step;
  const of = Object.fromEntries(Object.keys(series).map((name) => [name, numbers(series[name])]));
  const record = frames.map((step) => steps.indexOf(step));
  const until = recording.ended ? recording.ended[1] : recording.steps;
  const [g, d] = [recording.g_state, recording.d_state];

  const canvases = ["densities", "discriminator", "value", "plane"].map((name) => make(`canvas.${name}`));
  const back = make("button", { type: "button", "aria-label": "one frame back" }, "‹");
  const toggle = make("button.first.toggle", { type: "button" }, "Play");
  const forth = make("button", { type: "button", "aria-label": "one frame on" }, "›");
  const slider = make("input", { type: "range", min: "0", max: String(last), step: "1", value: String(last), "aria-label": "training step" });
  const where = make("output.where");
  const now = make("p.now");
  const said = make("p.hidden-text", { role: "status" });
  place.classList.add("player");
  place.setAttribute("role", "group");
  if (!place.hasAttribute("aria-label") && !place.hasAttribute("aria-labelledby"))
    place.setAttribute("aria-label", `Recorded run: ${recording.words}`);
  place.replaceChildren(
    make("div.panels", {}, ...canvases),
    make("div.controls", {}, toggle, back, forth, slider, where),
    now,
    said,
  );

  const panels = {
    densities: densities(canvases[0]),
    d: discriminator(canvases[1], recording.probability, recording.output),
    value: of.v ? value(canvases[2]) : ranking(canvases[2]),
    plane: path(canvases[3]),
  };
  const plots = Object.values(panels).map((panel) => panel.plot);
  let [frame, timer] = [last, null];

  function sentence() {
    const k = record[frame];
    const told = [
      ["Wasserstein-1 to the target", of.w1],
      ["V", of.v],
      ["mean D on real", of.d_real],
      ["on fake", of.d_fake],
      ["AUC of D", of.v ? undefined : of.auc],
    ].filter(([, values]) => values && Number.isFinite(values[k]));
    return told.map(([name, values]) => `${name} ${number(values[k])}`).join(", ");
  }

  function draw() {
    const k = record[frame];
    const shared = { view, top: view.top };
    panels.densities.show({ ...shared, heights: heights[frame], colour: g, note: recording.remarks[frame] });
    panels.d.show({ view: { ...view }, d: judged[frame], colour: d });
    const over = { steps, until, colour: d, decided: recording.decided, now: frames[frame] };
    panels.value.show(of.v ? { ...over, v: of.v, best: of.v_max ?? [] } : { ...over, auc: of.auc ?? [] });
    panels.plane.show({ mean: of.g_mean ?? [], std: of.g_std ?? [], target: [target.mean, target.std], k, colour: g });
    where.textContent = `step ${frames[frame].toLocaleString("en")} of ${recording.steps.toLocaleString("en")}`;
    slider.value = frame;
    slider.setAttribute("aria-valuetext", where.textContent);
    now.textContent = sentence();
    if (timer === null) describe();
  }

  function describe() {
    const k = record[frame];
    const at = `At ${where.textContent}`;
    const fakes = of.g_mean ? `fakes with mean ${number(of.g_mean[k])} and standard deviation ${number(of.g_std[k])}` : "fakes";
    const beyond = recording.remarks[frame] ? `; not all is on the axes: ${recording.remarks[frame].replace("\n", ", ")}` : "";
    panels.densities.plot.describe(`${at}: ${fakes}, target with mean ${number(target.mean)} and standard deviation ${number(target.std)}${beyond}.`);
    const means = of.d_real ? `: on average ${number(of.d_real[k])} on real samples and ${number(of.d_fake[k])} on fakes` : "";
    panels.d.plot.describe(`${at}: ${recording.output} over the same axis${means}.`);
    const values = of.v ?? of.auc ?? [];
    panels.value.plot.describe(`${of.v ? "V(D, G)" : "AUC of D"} over training, ${number(values[0])} at first, ${number(values[values.length - 1])} in the end; ${at.toLowerCase()} ${number(values[k])}.`);
    said.textContent = `${where.textContent}: ${now.textContent}`;
  }

  function show(wanted) {
    frame = Math.min(Math.max(Math.round(wanted), 0), last);
    draw();
  }

  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  function play() {
    if (timer !== null) return;
    if (frame === last) frame = 0;
    const stride = calm.matches ? Math.max(1, Math.round(last / CALM_FRAMES)) : 1;
    timer = setInterval(() => {
      if (frame >= last || !place.isConnected) pause();
      else show(frame + stride);
    }, calm.matches ? CALM : PACE);
    toggle.textContent = "Pause";
    draw();
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    toggle.textContent = "Play";
    draw();
  }

  toggle.addEventListener("click", () => (timer === null ? play() : pause()));
  back.addEventListener("click", () => (pause(), show(frame - 1)));
  forth.addEventListener("click", () => (pause(), show(frame + 1)));
  slider.addEventListener("input", () => (pause(), show(Number(slider.value))));
  const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
  place.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const own = event.target.tagName === "BUTTON"; // on which a space is a click
    if (event.key === " " && !own) {
      timer === null ? play() : pause();
    } else if (event.key in KEYS) {
      pause();
      show(frame + KEYS[event.key]);
    } else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has commands on these keys
  });
  draw();
  return {
    show,
    play,
    pause,
    close() {
      clearInterval(timer);
      plots.forEach((plot) => plot.close());
    },
  };
}

/** Put players where a page says so: each .recording element has a recording as JSON in a script element. */
export function players(root = document) {
  root.querySelectorAll(".recording").forEach((place) => {
    const source = place.querySelector('script[type="application/json"]');
    if (!source) return;
    const recording = JSON.parse(source.textContent);
    source.remove();
    player(place.querySelector(".place") ?? place, recording);
  });
}
