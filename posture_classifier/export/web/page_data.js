/** What the page was made with: `metadata`, `texts`, and how to classify. */

let parsed = null;

export function pageData() {
  parsed ??= JSON.parse(document.getElementById("data").textContent);
  return parsed;
}

/** The element of an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element with attributes and children; text never becomes markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
