// Elements made of a tag, what is set on them, and what they hold. Text is text: nothing here reads markup.

/** @param {string} tag "button" or "td.number" @param {object} given properties; on...: listeners; others: attributes */
export function make(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list" && key !== "form") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A canvas of so many pixels in height, and what it will show. */
export function canvas(tall, label) {
  const element = make("canvas", { role: "img", "aria-label": label });
  element.style.height = `${tall}px`;
  return element;
}
