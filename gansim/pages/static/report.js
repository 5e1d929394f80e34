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

const MOST = 500; // rows that are laid out unless all are asked for: 2,116 rows take a second to be sorted, 500 a quarter

/** A table whose headings sort it, with a filter and a limit if there are many rows. */
function handles(table) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  const details = table.closest("details.table");
  const input = details?.querySelector(".filter input");
  const output = details?.querySelector(".filter output");
  const texts = input && first.map((row) => row.textContent.toLowerCase());
  const numbered = new Map(first.map((row, k) => [row, k]));
  const more = document.createElement("button");
  let [order, words, most] = [first, [], first.length > MOST ? MOST : Infinity];

  function show() {
    let kept = 0;
    for (const row of order) {
      const fits = words.every((word) => texts[numbered.get(row)].includes(word));
      row.hidden = !fits || kept >= most;
      kept += fits;
    }
    more.hidden = kept <= most;
    more.textContent = `Show all ${kept.toLocaleString("en")} rows`;
    if (output) output.textContent = words.length ? `${kept.toLocaleString("en")} of ${first.length.toLocaleString("en")} rows` : "";
  }

  function showAll() {
    most = Infinity;
    show();
  }

  if (most < Infinity) {
    more.type = "button";
    more.addEventListener("click", showAll);
    table.parentElement.after(more);
    window.addEventListener("beforeprint", showAll);
    show();
  }
  input?.addEventListener("input", () => {
    words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    show();
  });
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
      const turns = number ? ["none", "descending", "ascending"] : ["none", "ascending", "descending"];
      const now = turns[(turns.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
      for (const other of heads) {
        other.setAttribute("aria-sort", "none");
        other.querySelector("span").textContent = "";
      }
      head.setAttribute("aria-sort", now);
      mark.textContent = MARKS[now];
      order = now === "none" ? first : sorted(first, column, number, now === "ascending" ? 1 : -1);
      body.append(...order);
      show();
      say(now === "none" ? "in the order of the file" : `sorted by ${name}, ${now}`);
    });
  });
}

/** Rows by a column; those without a value come last. */
function sorted(rows, column, number, sign) {
  const keyed = rows.map((row) => [key(row.cells[column], number), row]);
  keyed.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (number ? a - b : collator.compare(a, b));
  });
  return keyed.map(([, row]) => row);
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
document.querySelectorAll("table.sortable").forEach(handles);
meanings();
copies();
unfolds();
players();
