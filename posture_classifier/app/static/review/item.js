// Draws the photos of an item, why they are shown, and what can be decided.
import { t } from "../i18n.js";
import { el, key } from "./elements.js";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWX";
const source = (photo, size = "large") => `/api/review/photo/${photo.number}/${size}`;

/** Fills `body` with an item; `on` holds what its buttons do. */
export function drawItem(body, state, number, active, on) {
  const item = state.items[number];
  if (!item) {
    body.replaceChildren(el("p", { class: "lead empty" }, t(state.items.length ? "review.all_decided" : emptyText(state))), moves(state, number, on));
    return;
  }
  const scrolled = body.dataset.item === String(number) ? (body.querySelector(".stage")?.scrollTop ?? 0) : 0;
  const shown = stage(item, active, on);
  body.replaceChildren(shown, panel(state, item, number, active, on));
  body.dataset.item = number;
  shown.scrollTop = scrolled; // where another of many photos was chosen
  for (const photo of state.items[number + 1]?.photos.slice(0, 4) ?? []) new Image().src = source(photo, sizeFor(state.items[number + 1]));
}

function emptyText(state) {
  return ["waiting", "reading"].includes(state.check.state) ? "review.first_check" : "review.nothing";
}

const sizeFor = (item) => (item.photos.length > 4 ? "small" : "large");

function picture(photo, size) {
  const image = el("img", { src: source(photo, size), alt: t("review.photo_of", { label: photo.label, path: photo.path }) });
  image.addEventListener("error", () => image.replaceWith(el("p", { class: "lost" }, t("review.cannot_be_read"))));
  return image;
}

function stage(item, active, on) {
  const single = item.photos.length === 1;
  const figures = item.photos.map((photo, n) => {
    const image = picture(photo, sizeFor(item));
    const choose = single ? image : el("button", { type: "button", class: "pick", "aria-current": n === active ? "true" : null, click: () => on.choose(n) }, image);
    return el(
      "figure",
      { class: single || n === active ? "active" : "" },
      choose,
      el("figcaption", {}, single ? "" : el("b", {}, `${LETTERS[n]} `), verdict(photo), el("span", { class: "path" }, photo.path)),
    );
  });
  // Of many the chosen one is large; the others are there to compare it with.
  const whole = item.photos.length > 4 ? [el("figure", { class: "whole" }, picture(item.photos[active], "large"))] : [];
  return el("div", { class: `stage n${Math.min(figures.length, 5)}` }, ...whole, ...figures);
}

/** The class of a photo, and what was decided about it. */
function verdict(photo) {
  const label = el("span", { class: "label" }, photo.label);
  if (photo.decision === null) return label;
  const decided = el("span", { class: `decided ${photo.decision}` }, t(`review.is.${photo.decision}`, { label: photo.new_label }));
  return el("span", {}, label, " ", decided);
}

function panel(state, item, number, active, on) {
  const photo = item.photos[active];
  const several = item.photos.length > 1;
  const open = item.photos.filter((each) => each.decision === null).length;
  // Of many photos each has reasons of its own, which together would push the buttons off the screen.
  const reasons = item.photos.length > 4 ? item.reasons.filter((reason) => reason.photos.includes(photo.number)) : item.reasons;
  return el(
    "div",
    { class: "panel" },
    el("h1", {}, t(several ? "review.question_several" : "review.question", { label: photo.label, letter: LETTERS[active] })),
    el("ul", { class: "reasons" }, ...reasons.map((reason) => el("li", {}, why(reason, item)))),
    classes(state, photo, suggested(item, photo), on),
    el(
      "div",
      { class: "actions" },
      button("f", "fine", () => on.decide("fine")),
      button("x", "remove", () => on.decide("remove")),
      button("u", "undo", on.undo),
      several && open > 1 ? button("⏎", "rest_fine", () => on.rest("fine"), { n: open }) : null,
      several && open > 1 ? button("⇧x", "rest_remove", () => on.rest("remove"), { n: open }) : null,
    ),
    moves(state, number, on),
    el("p", { class: "muted keys" }, t(several ? "review.keys_several" : "review.keys")),
  );
}

function moves(state, number, on) {
  return el(
    "div",
    { class: "moves" },
    el("button", { type: "button", disabled: number === 0, click: () => on.move(-1) }, key("←"), t("review.previous")),
    el("span", { class: "muted" }, number < state.items.length ? t("review.place", { n: number + 1, all: state.items.length }) : ""),
    el("button", { type: "button", disabled: number >= state.items.length, click: () => on.move(1) }, t("review.next"), key("→")),
  );
}

function button(name, action, click, values = {}) {
  return el("button", { type: "button", class: action, "data-action": action, click }, key(name), t(`review.do.${action}`, values));
}

/** The class that a photo may be instead, by what speaks against its label. */
const suggested = (item, photo) => item.reasons.find((reason) => reason.said && reason.photos.includes(photo.number))?.said;

function classes(state, photo, suggestion, on) {
  const buttons = state.classes.map((name, n) => {
    const marks = [name === photo.label ? t("review.now") : "", name === suggestion && name !== photo.label ? t("review.suggested") : ""].filter(Boolean);
    return el(
      "button",
      { type: "button", "data-class": name, class: `class${name === photo.label ? " now" : ""}${name === suggestion ? " suggested" : ""}`, click: () => on.decide("relabel", name) },
      n < 9 ? key(n + 1) : "",
      el("span", { class: "name" }, name),
      marks.length ? el("small", {}, marks.join(", ")) : "",
    );
  });
  return el("div", { class: "classes", role: "group", "aria-label": t("review.classes") }, ...buttons);
}

/** Why the photos are shown, in a sentence. */
function why(reason, item) {
  const letters = item.photos.length > 1 ? reason.photos.map((number) => LETTERS[item.photos.findIndex((photo) => photo.number === number)]).join(", ") : "";
  const share = reason.share === undefined ? "" : (100 * reason.share).toFixed(0);
  const text = reason.text ?? t(`review.reason.${reason.kind}`, { ...reason, share, split: t(`review.split.${reason.split}`), otherwise: reason.kind });
  return letters && reason.photos.length < item.photos.length ? `${letters}: ${text}` : text;
}
