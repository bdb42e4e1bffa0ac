// What was decided, the command that trains again, its progress, and whether it helped.
import { t } from "../i18n.js";
import { ask } from "../request.js";
import { el } from "./elements.js";

const POLL = 1000; // ms between looks at a training

/** Fills `section` and keeps it up to date; `state()` gives the review's state. */
export async function drawTraining(section, state) {
  const counts = el("p", { class: "counts" });
  const about = el("div", { class: "training", "aria-live": "polite" });
  section.append(el("h2", {}, t("review.training.title")), counts, about);
  const recount = () => drawCounts(counts, state());
  document.addEventListener("decided", recount);
  recount();

  async function refresh() {
    const training = await ask("/api/review/training");
    about.replaceChildren(...pieces(training, state(), begin, end));
    if (training.state === "running") setTimeout(refresh, POLL);
  }
  async function post(path) {
    try {
      await ask(path, { method: "POST", json: {} });
      await refresh();
    } catch (error) {
      about.append(el("p", { class: "error" }, error.message));
    }
  }
  const begin = () => post("/api/review/training");
  const end = () => post("/api/review/training/stop");
  await refresh();
}

function drawCounts(place, { counts, fixes }) {
  place.textContent = t("review.training.counts", { ...counts, file: fixes });
}

function pieces(training, state, begin, end) {
  const command = [el("p", {}, t(training.can_train ? "review.training.how" : "review.training.in_terminal")), el("pre", { class: "command" }, training.command)];
  const button = training.can_train
    ? training.state === "running"
      ? el("button", { type: "button", class: "stop", click: end }, t("review.training.stop"))
      : el("button", { type: "button", class: "main train", click: begin }, t(training.answer ? "review.training.again" : "review.training.begin"))
    : null;
  const parts = [...command, button, ...progress(training), ...answer(training.answer)];
  return parts.filter(Boolean);
}

function progress({ state, progress: far, run, last_line }) {
  const words = { stopped: t("review.training.stopped", { line: last_line }), failed: t("review.training.failed", { line: last_line }) };
  if (words[state]) return [el("p", { class: state === "failed" ? "error" : "" }, words[state])];
  if (state !== "running") return [];
  if (!far) return [el("p", { class: "muted" }, t("review.training.starting"))];
  const last = far.epochs.at(-1);
  const text = t(`review.training.${far.unit}`, { done: far.done, of: far.of, run });
  return [
    el("progress", { max: far.of, value: far.done, "aria-label": text }),
    el("p", {}, last?.accuracy ? `${text} ${t("review.training.accuracy", { percent: percent(last.accuracy) })}` : text),
  ];
}

const percent = (share) => (100 * share).toFixed(1);
const signed = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;

function measured({ value, low, high, too_few }) {
  return low === null ? t("review.answer.no_interval", { value: percent(value), too_few: too_few ?? "" }) : t("review.answer.share", { value: percent(value), low: percent(low), high: percent(high) });
}

function difference({ value, low, high }) {
  return low === null ? t("review.answer.points_alone", { value: signed(value) }) : t("review.answer.points", { value: signed(value), low: signed(low), high: signed(high) });
}

/** The paired answer: on photos whose labels nobody touched, and on all. */
function answer(found) {
  if (!found) return [];
  const heading = el("h2", {}, t("review.answer.title"));
  if (found.problem) return [heading, el("p", {}, found.problem)];
  const rows = [...(found.untouched ? [["untouched", found.untouched]] : []), ["all", found.all]];
  const decides = found.untouched ?? found.all;
  const table = el(
    "table",
    {},
    el("thead", {}, el("tr", {}, ...["photos", "old", "new", "difference"].map((name) => el("th", { scope: "col" }, t(`review.answer.${name}`))))),
    el("tbody", {}, ...rows.map(([name, part]) => row(name, part))),
  );
  return [
    heading,
    el("p", { class: `lead verdict ${decides.verdict}` }, t(`review.answer.${decides.verdict}`, { difference: difference(decides.difference) })),
    el("div", { class: "scroll" }, table),
    el("p", {}, t("review.answer.changed", { relabelled: found.relabelled, removed: found.removed })),
    found.other_versions ? el("p", { class: "warning" }, t("review.answer.other_versions")) : null,
    el("p", {}, t("review.answer.seeds")),
    el("p", { class: "muted" }, t("review.answer.meaning")),
    el("p", { class: "muted" }, t("review.answer.run", { run: found.run })),
  ].filter(Boolean);
}

function row(name, part) {
  const size = t(part.grouped ? "review.answer.groups" : "review.answer.images", { n: part.images, groups: part.groups });
  return el(
    "tr",
    { "data-part": name },
    el("th", { scope: "row" }, `${t(`review.answer.${name}`)} (${size})`),
    el("td", {}, measured(part.old)),
    el("td", {}, measured(part.new)),
    el("td", {}, difference(part.difference)),
  );
}
