// The explorer's page: its line to the server, its views, its address.

import { read, written } from "./address.js";
import { decode } from "./frames.js";
import { make } from "./elements.js";
import { Results } from "./results.js";
import { Train } from "./train.js";

const app = document.getElementById("app");
const about = await (await fetch("/controls.json")).json();

/** A line that comes back by itself when it was cut. */
class Line {
  constructor() {
    this.waiting = [];
    this.asked = 0;
    this.open();
  }

  /** A number for what is asked: higher than any before, of whichever view. */
  next() {
    return (this.asked += 1);
  }

  open() {
    this.socket = new WebSocket(`ws://${location.host}/live`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.waiting.splice(0).forEach((text) => this.socket.send(text));
      if (this.lost) this.view?.resume?.();
      this.lost = false;
    };
    this.socket.onmessage = ({ data }) => this.view?.receive(decode(data));
    this.socket.onclose = ({ code }) => {
      if (code === 1013) return; // too many pages: it has been said
      this.lost = true;
      this.view?.say?.("The line to gansim explore is cut: is it still running in its terminal?");
      setTimeout(() => this.open(), 2000);
    };
  }

  send(message) {
    const text = JSON.stringify(message);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);
    else if (message.do === "configure") this.waiting = [text];
  }
}

const line = new Line();
const nav = document.querySelector("nav");
const results = document.body.dataset.results !== undefined;

function train() {
  const held = location.hash.length > 1;
  const start = read(location.hash, about.default);
  const notice = held && !start ? "This address holds no configuration that can be read: what is seen is the usual one." : "";
  const told = (asked) => {
    const text = written(asked, about.default);
    history.replaceState(null, "", `#${text}`);
    return text !== "";
  };
  return new Train(app, about, line, { ...start, told, notice });
}

const VIEWS = { Results: () => new Results(app, line), Train: train };

function open(name) {
  line.view?.leave?.();
  nav.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === name)));
  line.view = VIEWS[name]();
}

if (results) nav.append(...Object.keys(VIEWS).map((name) => make("button", { type: "button", onclick: () => open(name) }, name)));
open(results && location.hash.length < 2 ? "Results" : "Train");
// By hand: what stands behind "#" is the configuration.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
window.addEventListener("hashchange", () => location.reload());

document.addEventListener("visibilitychange", () => {
  if (line.view.playing !== false) line.send({ do: "change", playing: !document.hidden });
});
