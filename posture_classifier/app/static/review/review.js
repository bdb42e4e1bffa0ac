// Review: one item after the other, decided by keys or buttons.
import { loadTexts, t } from "../i18n.js";
import { ask } from "../request.js";
import { drawItem } from "./item.js";
import { el } from "./elements.js";
import { drawTraining } from "./training.js";

const POLL = 1500; // ms between looks at the check of the photos
const review = { state: null, item: 0, photo: 0, busy: Promise.resolve() };
const parts = {};

export async function start(main) {
  await loadTexts("/static/review/languages");
  document.title = `${t("nav.review")} · posture_classifier`;
  parts.head = el("div", { class: "review-head" });
  parts.body = el("div", { class: "review-body" });
  parts.said = el("p", { class: "said", role: "status", "aria-live": "polite" });
  parts.training = el("section", { class: "review-training", "aria-label": t("review.training.title") });
  parts.notes = el("section", { class: "review-notes" });
  main.append(parts.head, parts.body, parts.said, parts.training, parts.notes);
  document.addEventListener("keydown", onKey);
  try {
    await load();
    goTo(firstOpen(0));
    await drawTraining(parts.training, () => review.state);
  } catch (error) {
    main.replaceChildren(el("p", { class: "lead" }, error.message));
  }
}

const isOpen = (photo) => photo.decision === null;
const items = () => review.state.items;
const current = () => items()[review.item];

/** The first item from a place on that has an undecided photo, from the beginning again at the end. */
function firstOpen(from) {
  const order = [...items().keys()].map((n) => (n + from) % items().length);
  return order.find((n) => items()[n].photos.some(isOpen)) ?? items().length;
}

/** Reads the queue, and goes on reading while the photos are still being checked. */
async function load() {
  const seen = current_photo();
  review.state = await ask("/api/review");
  if (seen !== null) {
    const at = items().findIndex((item) => item.photos.some((photo) => photo.number === seen));
    if (at >= 0) {
      review.item = at;
      review.photo = items()[at].photos.findIndex((photo) => photo.number === seen);
    } else goTo(firstOpen(0), false);
  }
  if (["waiting", "reading"].includes(review.state.check.state)) setTimeout(() => act(again), POLL);
}

async function again() {
  const [before, wasAtEnd] = [items().length, review.item >= items().length];
  await load();
  if (wasAtEnd && items().length > before) goTo(firstOpen(before), false);
  draw(items().length !== before);
}

function current_photo() {
  return review.state === null ? null : (current()?.photos[review.photo]?.number ?? null);
}

/** Shows an item, from its first undecided photo on. */
function goTo(item, drawn = true) {
  review.item = Math.max(0, Math.min(item, items().length));
  review.photo = Math.max(0, current()?.photos.findIndex(isOpen) ?? 0);
  if (drawn) draw();
}

function draw(all = true) {
  drawHead();
  if (!all) return;
  drawItem(parts.body, review.state, review.item, review.photo, {
    choose: (photo) => act(() => ((review.photo = photo), draw())),
    decide: (...decision) => act(() => decide(...decision)),
    rest: (decision) => act(() => decideRest(decision)),
    undo: () => act(undo),
    move,
  });
  parts.notes.replaceChildren(
    ...(review.state.notes.length ? [el("h2", {}, t("review.notes")), el("ul", {}, ...review.state.notes.map((note) => el("li", {}, note)))] : []),
  );
}

function drawHead() {
  const [done, all] = [items().filter((item) => !item.photos.some(isOpen)).length, items().length];
  const { state, done: read, total, problem } = review.state.check;
  const checking = state === "reading" ? t(total ? "review.checking_of" : "review.checking", { read, total }) : "";
  parts.head.replaceChildren(
    el("p", { class: "count" }, t("review.count", { done, all })),
    el("progress", { max: Math.max(all, 1), value: done, "aria-label": t("review.count", { done, all }) }),
    el("p", { class: "muted checking" }, problem ? t("review.check_failed", { problem }) : checking),
  );
}

/** Does one thing after the other: keys may come faster than the disk writes. */
function act(work) {
  review.busy = review.busy.then(work).catch((error) => {
    parts.said.textContent = error.message;
    parts.said.classList.add("error");
  });
  return review.busy;
}

function tell(text) {
  parts.said.classList.remove("error");
  parts.said.textContent = text;
}

async function send(photos, decision, newLabel = "") {
  const { counts } = await ask("/api/review/decision", { method: "POST", json: { photos: photos.map((each) => each.number), decision, new_label: newLabel } });
  // Only what the disk has is shown as decided.
  review.state.counts = counts;
  for (const photo of photos) {
    const same = decision === "relabel" && newLabel === photo.label;
    photo.decision = same ? "fine" : decision;
    photo.new_label = same ? "" : newLabel;
  }
}

async function decide(decision, newLabel = "") {
  const photo = current()?.photos[review.photo];
  if (!photo) return;
  await send([photo], decision, newLabel);
  tell(t(`review.told.${photo.decision}`, { path: photo.path, label: photo.new_label }));
  advance();
}

async function decideRest(decision) {
  const open = current()?.photos.filter(isOpen) ?? [];
  if (!open.length) return;
  await send(open, decision);
  tell(open.length === 1 ? t(`review.told.${decision}`, { path: open[0].path }) : t(`review.told.all_${decision}`, { n: open.length }));
  advance();
}

/** Goes on to the next undecided photo of the item, or else to the next item that has one. */
function advance() {
  const next = current().photos.findIndex(isOpen);
  if (next >= 0) {
    review.photo = next;
    draw();
  } else goTo(firstOpen(review.item));
  document.dispatchEvent(new Event("decided"));
}

async function undo() {
  const { photo } = await ask("/api/review/undo", { method: "POST", json: {} });
  if (photo === null) return tell(t("review.told.nothing_to_undo"));
  review.state = await ask("/api/review");
  review.item = items().findIndex((item) => item.photos.some((each) => each.number === photo));
  review.photo = current().photos.findIndex((each) => each.number === photo);
  tell(t("review.told.undone", { path: current().photos[review.photo].path }));
  draw();
  document.dispatchEvent(new Event("decided"));
}

const KEYS = {
  x: () => act(() => decide("remove")),
  delete: () => act(() => decide("remove")),
  f: () => act(() => decide("fine")),
  enter: () => act(() => decideRest("fine")),
  u: () => act(undo),
  arrowleft: () => move(-1),
  arrowright: () => move(1),
  arrowup: () => act(() => step(-1)),
  arrowdown: () => act(() => step(1)),
};

/** Goes to another item, once what was decided before is written. */
function move(by) {
  return act(() => goTo(review.item + by));
}

/** Goes to another photo of the same item. */
function step(by) {
  const n = current()?.photos.length ?? 0;
  if (n > 1) {
    review.photo = (review.photo + by + n) % n;
    draw();
  }
}

function onKey(event) {
  const onControl = event.target.closest?.("button, a, select, input, textarea, summary");
  if (!review.state || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("select, input, textarea")) return;
  const key = event.key.toLowerCase();
  if (onControl && ["enter", " "].includes(key)) return; // which press the control itself
  // Of a Korean keyboard the key counts, not the letter on it.
  const letter = /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : key;
  const number = Number(/^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? 0);
  if (event.shiftKey && letter === "x") act(() => decideRest("remove"));
  else if (number && number <= review.state.classes.length) act(() => decide("relabel", review.state.classes[number - 1]));
  else if (KEYS[letter]) KEYS[letter]();
  else return;
  event.preventDefault();
}
