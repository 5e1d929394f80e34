// The explorer's page: its line to the server, its views, its address.

import { read, written } from "./address.js";
import { decode } from "./frames.js";
import { Train } from "./train.js";

const app = document.getElementById("app");
const about = await (await fetch("/controls.json")).json();

/** A line that comes back by itself when it was cut. */
class Line {
  constructor() {
    this.waiting = [];
    this.open();
  }

  open() {
    this.socket = new WebSocket(`ws://${location.host}/live`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.waiting.splice(0).forEach((text) => this.socket.send(text));
      if (this.lost) this.view?.ask();
      this.lost = false;
    };
    this.socket.onmessage = ({ data }) => this.view?.receive(decode(data));
    this.socket.onclose = () => {
      this.lost = true;
      this.view?.say("The line to gansim explore is cut: is it still running in its terminal?");
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
const start = read(location.hash, about.default) ?? {};
const told = (asked) => history.replaceState(null, "", `#${written(asked, about.default)}`);
line.view = new Train(app, about, line, { ...start, told });
window.addEventListener("hashchange", () => location.reload());

document.addEventListener("visibilitychange", () => {
  if (line.view.playing) line.view.change({ playing: !document.hidden });
});
