// What moves in a report: tables that sort and filter, meanings of words, recorded runs, commands to copy. Without
// scripts the page is whole but for the runs.

import { players } from "./player.js";

const say = (text) => {
  document.getElementById("status").textContent = text;
};

// --- tables -----------------------------------------------------------------------------------

const collator = new Intl.Collator("en", { numeric: true });
const MARKS = { ascending: " ▲", descending: " ▼", none: "" };

/** What a cell is sorted by: the number of the CSV, or its text; null where there is nothing. */
function key(cell, number) {
  const text = cell.dataset.v ?? cell.textContent.trim();
  if (text === "" || text === "–") return null;
  return number ? Number(text.replaceAll(",", "").replace("−", "-")) : text;
}

function sorts(table) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const name = head.textContent;
    const button = document.createElement("button");
    const mark = document.createElement("span");
    mark.setAttribute("aria-hidden", "true");
    button.type = "button";
    button.append(name, mark);
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const number = head.classList.contains("number");
      const was = head.getAttribute("aria-sort");
      const order = number ? ["none", "descending", "ascending"] : ["none", "ascending", "descending"];
      const now = order[(order.indexOf(was) + 1) % 3];
      for (const other of heads) {
        other.setAttribute("aria-sort", "none");
        other.querySelector("span").textContent = "";
      }
      head.setAttribute("aria-sort", now);
      mark.textContent = MARKS[now];
      let rows = first;
      if (now !== "none") {
        const sign = now === "ascending" ? 1 : -1;
        const keyed = first.map((row) => [key(row.cells[column], number), row]);
        keyed.sort(([a], [b]) => {
          if (a === null || b === null) return (a === null) - (b === null);
          return sign * (number ? a - b : collator.compare(a, b));
        });
        rows = keyed.map(([, row]) => row);
      }
      settle(table);
      body.append(...rows);
      say(now === "none" ? "in the order of the file" : `sorted by ${name}, ${now}`);
    });
  });
}

const MANY = 300; // rows: so many lay out twice as fast where columns keep their widths

/** Let the columns of a long table keep their widths, so that other rows at its top do not measure all again. */
function settle(table) {
  if (table.rows.length < MANY || table.style.tableLayout) return;
  const heads = [...table.tHead.rows[0].cells];
  const widths = [table, ...heads].map((one) => `${one.offsetWidth}px`);
  [table, ...heads].forEach((one, k) => (one.style.width = widths[k]));
  table.style.tableLayout = "fixed";
}

/** The widths that suit paper. */
function unsettle() {
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const one of [table, ...table.tHead.rows[0].cells]) one.style.width = "";
    table.style.tableLayout = "";
  }
}

function filters(details) {
  const input = details.querySelector(".filter input");
  if (!input) return;
  const rows = [...details.querySelector("tbody").rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const output = details.querySelector(".filter output");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let kept = 0;
    rows.forEach((row, k) => {
      row.hidden = !words.every((word) => texts[k].includes(word));
      kept += !row.hidden;
    });
    output.textContent = words.length ? `${kept.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows` : "";
  });
}

// --- meanings of words ------------------------------------------------------------------------

function meanings() {
  const box = document.getElementById("meaning");
  let [shown, closing] = [null, 0];
  const hide = () => {
    box.hidden = true;
    shown?.removeAttribute("aria-describedby");
    shown = null;
  };
  const show = (link) => {
    clearTimeout(closing);
    if (shown === link) return;
    hide();
    const name = document.getElementById(link.hash.slice(1));
    if (!name) return;
    const strong = document.createElement("strong");
    strong.textContent = `${name.textContent}: `;
    box.replaceChildren(strong, name.nextElementSibling.textContent);
    box.hidden = false;
    const where = link.getBoundingClientRect();
    const wide = box.offsetWidth;
    const left = Math.max(8, Math.min(where.left, document.documentElement.clientWidth - wide - 8));
    const below = where.bottom + 6 + box.offsetHeight < window.innerHeight;
    box.style.left = `${left + window.scrollX}px`;
    box.style.top = `${(below ? where.bottom + 6 : where.top - 6 - box.offsetHeight) + window.scrollY}px`;
    link.setAttribute("aria-describedby", "meaning");
    shown = link;
  };
  const later = () => {
    closing = setTimeout(hide, 250); // time to move onto the box
  };
  const term = (event) => event.target.closest?.("a.term");
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    if (term(event)) show(term(event));
    else if (event.target.closest?.("#meaning")) clearTimeout(closing);
    else if (shown && document.activeElement !== shown) later();
  });
  document.addEventListener("focusin", (event) => (term(event) ? show(term(event)) : hide()));
  document.addEventListener("focusout", (event) => term(event) && later());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  let touched = null;
  document.addEventListener("pointerdown", (event) => {
    touched = event.pointerType === "touch" && term(event) && shown !== term(event) ? term(event) : null;
    if (event.pointerType === "touch" && !term(event) && !event.target.closest?.("#meaning")) hide();
  });
  document.addEventListener("click", (event) => {
    const link = term(event);
    if (!link) return;
    if (link === touched) {
      event.preventDefault(); // the first touch tells, the second goes there
      show(link);
    } else hide();
  });
}

// --- the page ---------------------------------------------------------------------------------

function copies() {
  document.querySelectorAll("button.copy").forEach((button) => {
    if (!navigator.clipboard) {
      button.remove();
      return;
    }
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code").textContent;
      await navigator.clipboard.writeText(text).then(
        () => say("copied"),
        () => say("could not be copied"),
      );
    });
  });
}

/** What is folded opens for paper, and for a link that leads into it. */
function unfolds() {
  let closed = [];
  window.addEventListener("beforeprint", () => {
    unsettle();
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => (details.open = true));
  });
  window.addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
  const follow = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target && target.closest("details");
    if (details) {
      details.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", follow);
  follow();
  const all = document.getElementById("open-all");
  all?.addEventListener("click", () => {
    const tables = [...document.querySelectorAll("details.table")];
    const open = tables.some((details) => !details.open);
    tables.forEach((details) => (details.open = open));
    all.textContent = open ? "Close all" : "Open all";
  });
}

document.body.classList.add("scripted");
document.querySelectorAll("table.sortable").forEach(sorts);
document.querySelectorAll("details.table").forEach(filters);
meanings();
copies();
unfolds();
players();
