/** The day as a chart: one bar a minute, of the seconds of each class. */
import { element } from "./page_data.js";
import { duration, spoken, text } from "./texts.js";
import { UNSURE } from "./timeline.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_HOURS = 8;
const COLOURS = 5;

function minuteOfDay(minute) {
  return Number(minute.slice(11, 13)) * 60 + Number(minute.slice(14, 16));
}

/** First and last whole hour of a day that is not empty. */
function hoursOf(day) {
  const first = Math.floor(minuteOfDay(day[0][0]) / 60);
  return [first, Math.floor(minuteOfDay(day.at(-1)[0]) / 60) + 1];
}

/**
 * Draw a day into a figure; an empty day leaves it empty.
 *
 * @param {HTMLElement} figure
 * @param {Array} day Minutes with their rows, as `Timeline.day` returns them.
 * @param {string[]} classes
 * @param {string|null} watched The class at the bottom, in the colour of an alert.
 */
export function drawTimeline(figure, day, classes, watched) {
  figure.replaceChildren();
  if (day.length === 0) return;
  const [first, last] = hoursOf(day);
  const share = (minute) => (minute - first * 60) / ((last - first) * 60);
  const plot = element("div", { class: "plot" });
  plot.append(bars(day, classes, watched, share, (last - first) * 60));
  for (const [minute, row] of day) {
    if (row.alerts === 0) continue;
    const dot = placed(element("i", { class: "alert" }), share(minuteOfDay(minute) + 0.5));
    const seen = Object.values(row.seconds).reduce((sum, seconds) => sum + seconds, 0);
    dot.style.setProperty("--height", Math.min(1, seen / 60));
    plot.append(dot);
  }
  const hours = element("div", { class: "hours" });
  for (let hour = first; hour <= last; hour += Math.ceil((last - first) / MOST_HOURS)) {
    hours.append(placed(element("span", {}, `${hour}:00`), share(hour * 60)));
  }
  figure.append(plot, hours);
}

function placed(made, share) {
  made.style.setProperty("--share", share);
  return made;
}

function bars(day, classes, watched, share, minutes) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 1 60", preserveAspectRatio: "none", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  for (const [minute, row] of day) {
    let base = 60;
    for (const name of stackOf(classes, watched)) {
      const height = Math.min(base, row.seconds[name] ?? 0);
      if (height <= 0) continue;
      base -= height;
      const rect = document.createElementNS(SVG, "rect");
      const place = { x: share(minuteOfDay(minute)), y: base, width: 1 / minutes, height, class: colourOf(name, classes, watched) };
      for (const [key, value] of Object.entries(place)) rect.setAttribute(key, value);
      svg.append(rect);
    }
  }
  return svg;
}

/** Names from the bottom of a bar to its top. */
export function stackOf(classes, watched) {
  return [...classes.filter((name) => name === watched), ...classes.filter((name) => name !== watched), UNSURE];
}

/** The style of a name's bars. */
export function colourOf(name, classes, watched) {
  if (name === UNSURE) return "unsure";
  if (name === watched) return "watched";
  return `other-${classes.filter((other) => other !== watched).indexOf(name) % COLOURS}`;
}

/** The day in one line, with the colours as a legend. */
export function timelineWords(totals, classes, watched) {
  return stackOf(classes, watched)
    .filter((name) => totals.seconds[name] > 0)
    .map((name) => {
      const words = `${name === UNSURE ? text("not_sure") : spoken(name)} ${duration(totals.seconds[name])}`;
      return element("span", { class: "legend" }, element("i", { class: colourOf(name, classes, watched) }), words);
    });
}
