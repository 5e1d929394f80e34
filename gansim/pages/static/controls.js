// The controls of a configuration, made from what the model says of each field (gansim/live/controls.py).

import { columns, listed } from "./columns.js";
import { make } from "./elements.js";

let unique = 0;

/**
 * Controls of a whole configuration.
 * @param about what the model says: {groups, fields}
 * @param values the configuration, plain data; it is act in place
 * @param act {soon(), called after each change; keep(numbers, then), which names numbers by a digest}
 */
export function configuration(about, values, act) {
  const open = new Set(["Data", "Networks", "Game", "Optimisers", "Training"]);
  return about.groups.map(([name, fields]) =>
    make(
      "details.group",
      { open: open.has(name) },
      make("summary", {}, name),
      ...folded(fields.map((field) => [field, about.fields[field]]), values, act),
    ),
  );
}

/** Controls of fields, those that few change folded away below the others. */
function folded(fields, owner, act) {
  const built = fields.map(([name, told]) => [told.rare, control(told, name, owner, act)]).filter(([, one]) => one);
  const [often, rarely] = [false, true].map((rare) => built.filter(([one]) => Boolean(one) === rare).map(([, one]) => one));
  if (!often.length || rarely.length < 2) return [...often, ...rarely];
  return [...often, make("details.more", {}, make("summary", {}, "more"), ...rarely)];
}

/** The control of one field of an object. */
function control(told, name, owner, act) {
  const built = BUILT[told.type];
  if (!built || told.type === "json") return null;
  if (told.type === "object") return object(told, name, owner, act);
  const id = `control-${unique++}`;
  const note = make("span.refused", { id: `${id}-note`, hidden: true });
  const set = (value) => {
    owner[name] = value;
    act.soon();
  };
  const parts = built(told, owner[name], set, id, act);
  const label = make("label", { htmlFor: id, title: told.help }, told.label);
  return make("div.field", { "data-field": name }, label, ...parts, note);
}

/** Something that has fields of its own: which kind, then those. */
function object(told, name, owner, act) {
  const kinds = Object.keys(told.kinds).filter((kind) => kind !== "given");
  const inner = make("div.inner");
  const show = () => {
    const value = owner[name];
    const fields = value ? told.kinds[value.kind ?? ""] : {};
    inner.replaceChildren(
      ...folded(
        Object.entries(fields ?? {}).filter(([field]) => field !== "quantiles" && field !== "evaluate"),
        value,
        act,
      ),
    );
  };
  show();
  if (kinds.length === 1 && !told.nullable) {
    return make("fieldset", { "data-field": name }, make("legend", { title: told.help }, told.label), inner);
  }
  const id = `control-${unique++}`;
  const words = [...(told.nullable ? ["none"] : []), ...kinds];
  const choose = make("select", {
    id,
    onchange: () => {
      owner[name] = choose.value === "none" && told.nullable ? null : started(told.kinds[choose.value], choose.value, owner[name]);
      show();
      act.soon();
    },
  });
  choose.append(...words.map((word) => make("option", { value: word }, word)));
  choose.value = owner[name] ? owner[name].kind : "none";
  const head = make("div.field", {}, make("label", { htmlFor: id, title: told.help }, told.label), choose);
  return make("div.object", { "data-field": name }, head, inner);
}

/** An object of a kind with what is usual; a learning rate stays what it was. */
function started(fields, kind, before) {
  const value = { kind };
  for (const [name, told] of Object.entries(fields)) {
    if ("default" in told) value[name] = structuredClone(told.default);
    else if (told.type === "values") value[name] = [1, 2, 3, 4, 5];
    else if (told.type === "text") value[name] = "t";
  }
  if (kind === "law") value.parameters = [["df", 5]];
  if (before?.lr !== undefined && "lr" in value) value.lr = before.lr;
  return value;
}

// --- kinds of controls ------------------------------------------------------------------------

const BUILT = {
  number: numeric,
  integer: numeric,
  boolean(told, value, set, id) {
    const box = make("input", { id, type: "checkbox", checked: Boolean(value), onchange: () => set(box.checked) });
    return [box];
  },
  choice(told, value, set, id) {
    const list = make("select", { id, onchange: () => list.value && set(list.value) });
    list.append(...told.words.map((word) => make("option", { value: word }, word.replaceAll("_", " "))));
    if (typeof value === "object") {
      list.append(make("option", { value: "" }, value.name ?? "somebody's own")); // a game of one's own, which has a record
      list.value = "";
      list.addEventListener("change", () => set(list.value || value));
    } else list.value = value;
    return [list];
  },
  several(told, value, set, id) {
    const shown = value === null || value === undefined ? "" : [value].flat().join(", ");
    const box = make("input", {
      id,
      type: "text",
      value: shown,
      placeholder: told.nullable ? "equal" : "none",
      onchange: () => {
        const numbers = listed(box.value);
        if (told.nullable && !numbers.length) set(null);
        else set(told.single && numbers.length === 1 ? numbers[0] : numbers);
      },
    });
    return [box];
  },
  text(told, value, set, id) {
    const box = make("input", { id, type: "text", value: value ?? "", onchange: () => set(box.value.trim()) });
    return [box];
  },
  pairs(told, value, set, id) {
    const box = make("input", {
      id,
      type: "text",
      value: (value ?? []).map(([name, number]) => `${name} = ${number}`).join(", "),
      placeholder: "df = 5",
      onchange: () =>
        set(
          box.value
            .split(",")
            .filter((part) => part.includes("="))
            .map((part) => [part.split("=")[0].trim(), Number(part.split("=")[1])]),
        ),
    });
    return [box];
  },
  values(told, value, set, id, act) {
    const said = make("span.hint", { role: "status" }, typeof value === "string" ? "as they were given" : count(value?.length ?? 0));
    const which = make("select", { "aria-label": "which of the numbers", hidden: true });
    let found = [];
    const take = () => {
      const { numbers, told: text } = found[Number(which.value)];
      said.textContent = text;
      act.keep(numbers, set);
    };
    const look = (text) => {
      found = columns(text);
      which.replaceChildren(...found.map((one, k) => make("option", { value: k }, one.name)));
      which.hidden = found.length < 2;
      which.onchange = take;
      take();
    };
    const lines = typeof value === "string" ? "" : (value ?? []).join("\n");
    const box = make("textarea", { id, rows: 3, value: lines, placeholder: "numbers, one a line", onchange: () => look(box.value) });
    const file = make("input", {
      type: "file",
      accept: ".csv,.txt,text/plain,text/csv",
      "aria-label": "a file of numbers",
      onchange: async () => {
        if (!file.files.length) return;
        const text = await file.files[0].text();
        box.value = text.split("\n", 1000).join("\n"); // more would hold up the page
        look(text);
      },
    });
    return [box, file, which, said];
  },
  object,
};

function count(n) {
  return `${n.toLocaleString("en")} number${n === 1 ? "" : "s"}`;
}

/** A number: a slider between its usual ends, if it has some, and a box for any other. */
function numeric(told, value, set, id) {
  const whole = told.type === "integer";
  let slider = null;
  const box = make("input", {
    id,
    type: "text",
    inputMode: "decimal",
    value: value ?? "",
    placeholder: told.nullable ? "none" : "",
    onchange: () => {
      const text = box.value.trim();
      if (told.words?.includes(text)) set(text);
      else if (!text && told.nullable) set(null);
      else set(text !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
      if (slider && Number.isFinite(Number(text))) {
        slider.value = place(Number(text));
        slider.setAttribute("aria-valuetext", text);
      }
    },
  });
  if (!told.slider) return [box];
  const [low, high, log] = told.slider;
  const steps = whole && !log ? high - low : 200;
  const of = log ? Math.log : (x) => x;
  const place = (number) => String(Math.round((steps * (of(Math.min(Math.max(number, low), high)) - of(low))) / (of(high) - of(low))));
  const number = (at) => {
    const share = of(low) + (at / steps) * (of(high) - of(low));
    const exact = log ? Math.exp(share) : share;
    return whole ? Math.round(Number(exact.toPrecision(2))) : Number(exact.toPrecision(3));
  };
  slider = make("input", {
    type: "range",
    min: 0,
    max: steps,
    step: 1,
    "aria-label": told.label,
    value: place(Number(value)),
    oninput: () => {
      box.value = number(Number(slider.value));
      slider.setAttribute("aria-valuetext", box.value);
      set(Number(box.value));
    },
    onkeydown: (event) => event.stopPropagation(), // a notebook would take the arrow keys for its own
  });
  slider.setAttribute("aria-valuetext", String(value));
  return [slider, box];
}
