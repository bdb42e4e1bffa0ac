/** What is known of the network, in sentences and beside each other. */
import { byId, element } from "./page_data.js";
import { interval, spoken, text } from "./texts.js";

const POSTURE = "turtle_neck";

/** Fill the title, the honest figure below it, and the list at the end of the page. */
export function showFacts(info) {
  const names = info.classes.map(spoken);
  const few = names.length <= 4;
  byId("title").textContent = few ? text("title", { names: listed(names) }) : text("title_many", { n: names.length });
  document.title = byId("title").textContent;
  byId("figure").textContent = figure(info);
  const facts = [
    ["classes", names.join(", ")],
    ["trained_on", info.photos.train ? photosOf(info, info.photos.train) : null],
    ["measured_by", info.evaluation ? text(`procedure_${procedureOf(info)}`) : null],
    ["probabilities", text(info.temperature === null ? "uncalibrated" : "calibrated")],
    ["rule_not_sure", info.abstention ? text("rule_not_sure_said", rule(info.abstention)) : null],
    ["rule_unfamiliar", info.familiarity ? text("rule_unfamiliar_said", { alarms: interval(info.familiarity.false_alarms) }) : null],
    ["network", `${info.backbone}, ${info.preprocessing.image_size} px`],
    ["weights", [info.weights.name, info.weights.licence].filter(Boolean).join(", ") || null],
    ["versions", Object.entries(info.versions).map((pair) => pair.join(" ")).join(", ") || null],
  ];
  byId("facts").replaceChildren(
    ...facts.filter(([, words]) => words).flatMap(([key, words]) => [element("dt", {}, text(key)), element("dd", {}, words)]),
  );
}

/** "right on 92 % (83 to 96 %) of 150 photos of 15 people that it had not seen" */
function figure(info) {
  if (!info.evaluation) return text("figure_unknown");
  const values = { accuracy: interval(info.evaluation.accuracy), photos: photosOf(info, info.evaluation) };
  return text(procedureOf(info) === "validation" ? "figure_validation" : "figure", values);
}

function procedureOf({ evaluation }) {
  return { "cross-validation": "folds", "test split": "test" }[evaluation.procedure] ?? "validation";
}

/** A number of photos with that of their groups, which are people where posture is looked at. */
function photosOf(info, { images, groups }) {
  if (groups === null) return text("photos_of_none", { images });
  return text(info.classes.includes(POSTURE) ? "photos_of_people" : "photos_of_groups", { images, groups });
}

function rule({ threshold, answered, accuracy }) {
  return { threshold: Math.round(100 * threshold), answered: interval(answered), accuracy: interval(accuracy) };
}

function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${text("or")} ${names.at(-1)}`;
}
