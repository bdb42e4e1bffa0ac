// Makes elements: text goes in as text, so that no name of a file is taken for HTML.

/** An element with attributes (null leaves one out, a function listens) and children. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

/** A key of the keyboard, as it is shown on a button. */
export const key = (name) => el("kbd", { "aria-hidden": "true" }, name);
