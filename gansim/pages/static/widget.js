// The training view as a widget of a notebook: the same view, with the notebook's own line to the engine.

import { decode } from "./frames.js";
import { make } from "./elements.js";
import { Train } from "./train.js";

function render({ model, el }) {
  const about = JSON.parse(model.get("about"));
  const box = make("div");
  el.append(make("div.gansim.explorer.notebook", { onkeydown: keep }, box));
  let asked = 0;
  const line = { send: (message) => model.send(message), next: () => (asked += 1) };
  const view = new Train(box, about, line, about.start);
  const hear = (_, buffers) => {
    const { buffer, byteOffset, byteLength } = buffers[0];
    view.receive(decode(buffer.slice(byteOffset, byteOffset + byteLength)));
  };
  model.on("msg:custom", hear);
  return () => {
    model.off("msg:custom", hear);
    view.leave();
    model.send({ do: "leave" });
  };
}

/** Keys that are meant for a control are not the notebook's. */
function keep(event) {
  if (event.target.matches("input, select, textarea, button, canvas, summary")) event.stopPropagation();
}
