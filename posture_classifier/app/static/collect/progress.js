// What is still missing, the table of people and classes, and the next command.
import { element } from "../dom.js";
import { t } from "../i18n.js";

const SHOWN_ALIKE = 3;
const MARKS = { needed: "!", rough: "~", advised: "+" };

/** Shows a state of the server. */
export function showProgress(state) {
  const list = document.getElementById("missing");
  list.replaceChildren(...missingItems(state.missing));
  if (!state.missing.length) list.replaceChildren(element("li", { className: "advised" }, t("collect.nothing_missing")));
  const box = document.getElementById("table");
  box.replaceChildren(...(state.people.length ? [table(state)] : []));
  const words = state.command.split(" ").map((word) => element("span", { className: "word" }, word));
  document.getElementById("command").replaceChildren(...words.flatMap((word) => [word, " "]).slice(0, -1)); // none ends at a hyphen
  document.getElementById("pattern").textContent = state.pattern;
  document.getElementById("next").textContent = t(state.ready ? "collect.ready" : "collect.not_ready");
  document.getElementById("others").textContent = state.others ? t("collect.others", { n: state.others }) : "";
}

function missingItems(missing) {
  const items = [];
  for (const code of new Set(missing.map((each) => each.code))) {
    const alike = missing.filter((each) => each.code === code);
    items.push(...alike.slice(0, SHOWN_ALIKE).map(item));
    if (alike.length > SHOWN_ALIKE) {
      const rest = element("ul", { className: "missing" }, ...alike.slice(SHOWN_ALIKE).map(item));
      const summary = element("summary", {}, t("collect.more", { n: alike.length - SHOWN_ALIKE }));
      items.push(element("li", {}, element("details", {}, summary, rest)));
    }
  }
  return items;
}

function item({ code, level, values }) {
  const mark = element("span", { className: "mark", aria: { hidden: "true" } }, MARKS[level]);
  const words = element("span", { className: "hidden" }, `${t(`level.${level}`)}: `);
  return element("li", { className: level, data: { code } }, mark, words, t(`missing.${code}`, values));
}

function table(state) {
  const head = element("tr", {}, element("th", { scope: "col" }, t("collect.person")), ...state.classes.map((name) => element("th", { scope: "col", className: "number" }, name)), element("th", { scope: "col", className: "number" }, t("collect.sessions")));
  const rows = state.people.map((person) => {
    const cells = state.classes.map((name) => element("td", { className: person.photos[name] ? "number" : "number lacking" }, String(person.photos[name])));
    return element("tr", {}, element("th", { scope: "row" }, person.name), ...cells, element("td", { className: "number" }, String(person.sessions.length)));
  });
  const sums = state.classes.map((name) => element("td", { className: "number" }, String(state.people.reduce((sum, person) => sum + person.photos[name], 0))));
  const foot = element("tr", {}, element("th", { scope: "row" }, t("collect.people", { n: state.people.length })), ...sums, element("td"));
  const caption = element("caption", {}, element("span", {}, t("collect.table")));
  return element("table", { id: "counts" }, caption, element("thead", {}, head), element("tbody", {}, ...rows), element("tfoot", {}, foot));
}
