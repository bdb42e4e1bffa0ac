/** The texts of the page in the language that was chosen. */
import { keep, recall } from "./kept.js";
import { pageData } from "./page_data.js";

const listeners = [];
let language = null;

export function currentLanguage() {
  language ??= recall("language", navigator.language.startsWith("ko") ? "ko" : "en");
  return language in pageData().texts ? language : "en";
}

/** The text of a key, with values in place of its braces. */
export function text(key, values = {}) {
  const pattern = pageData().texts[currentLanguage()][key] ?? key;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Call a function now and whenever the language changes. */
export function inEveryLanguage(listener) {
  listeners.push(listener);
  listener();
}

export function chooseLanguage(name) {
  language = name;
  keep("language", name);
  for (const listener of listeners) listener();
}

/** Fill what the page itself says: `data-text` and, for those who hear it, `data-label`. */
export function fillPage() {
  document.documentElement.lang = currentLanguage();
  for (const place of document.querySelectorAll("[data-text]")) place.textContent = text(place.dataset.text);
  for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", text(place.dataset.label));
}

/** A share in whole percent; what is not all or nothing is not said to be. */
export function percent(share) {
  const whole = Math.round(100 * share);
  if (whole === 100 && share < 1) return ">\u00a099\u00a0%";
  if (whole === 0 && share > 0) return "<\u00a01\u00a0%";
  return `${whole}\u00a0%`;
}

/** A probability in whole percent, which is never certain, though 32 bits may round it to 0 or 1. */
export function chance(probability) {
  return percent(Math.min(Math.max(probability, 1e-9), 1 - 1e-9));
}

/** A share with its 95 % interval, as "92 % (83 to 96 %)". */
export function interval({ value, low, high }) {
  if (value === null) return text("unknown");
  if (low === null || high === null) return text("share_without_interval", { value: percent(value) });
  return text("share_with_interval", { value: percent(value), low: Math.round(100 * low), high: percent(high) });
}

/** Seconds in words, as "1 min 5 s". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return text("seconds_said", { s: whole });
  if (whole < 3600) return text("minutes_said", { m: Math.floor(whole / 60), s: whole % 60 });
  return text("hours_said", { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
}

/** The name of a class as people write it. */
export function spoken(name) {
  return name.replaceAll("_", " ");
}
