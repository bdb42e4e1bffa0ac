// Short ways to build and find elements.

/** An element with properties and children; `data` and `aria` are objects of attributes. */
export function element(tag, { data = {}, aria = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Fills an element with the HTML file at a path of this server, and returns it. */
export async function fillWith(main, path) {
  const answer = await fetch(path);
  main.innerHTML = await answer.text();
  return main;
}

/** Whether a key that was pressed is meant for what has the focus, as in a text field. */
export function isForControl(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const tag = event.target.tagName;
  if (tag === "SELECT" || tag === "TEXTAREA" || (tag === "INPUT" && !["checkbox", "radio", "file"].includes(event.target.type))) return true;
  return event.key === " " && ["BUTTON", "A", "INPUT", "SUMMARY"].includes(tag);
}
