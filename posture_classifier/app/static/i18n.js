// Texts in the reader's language: the choice made here, or else what the browser asks for.
export const LANGUAGES = { en: "English", ko: "한국어" };
const KEY = "posture_classifier.language"; // as the page Try keeps it, too
let texts = {};

/** The language of the page: one of LANGUAGES. */
export function language() {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages.map((each) => each.slice(0, 2))];
  return wanted.find((code) => code in LANGUAGES) ?? "en";
}

export function chooseLanguage(code) {
  localStorage.setItem(KEY, code);
}

/** Adds the texts of `${folder}/<language>.json` to those that are known. */
export async function loadTexts(folder) {
  const answer = await fetch(`${folder}/${language()}.json`);
  texts = { ...texts, ...(await answer.json()) };
  document.documentElement.lang = language();
}

/**
 * A text by its key, with {name} replaced by values.name. Of a text in two forms the one for 1 is
 * taken where values.n is 1.
 */
export function t(key, values = {}) {
  const found = texts[key];
  if (found === undefined) return values.otherwise ?? key;
  const text = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Fills the elements that name their text by data-text. */
export function applyTexts(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
}
