/** The alert's settings, what has been counted, and the timeline of the day. */
import { Alarm } from "./alarm.js";
import { setText } from "./answer_view.js";
import { saveCsv } from "./csv.js";
import { keep, recall } from "./kept.js";
import { byId, element } from "./page_data.js";
import { duration, inEveryLanguage, interval, percent, spoken, text } from "./texts.js";
import { Timeline, UNSURE, minuteOf } from "./timeline.js";
import { drawTimeline, timelineWords } from "./timeline_chart.js";
import { Watch, excessOf } from "./watch.js";

const DEFAULT_CLASS = "turtle_neck";
/** Most seconds that pass between two frames of one stretch; longer gaps belong to no class. */
const GAP = 3;
const SWITCHES = ["use-sound", "use-title", "use-notification"];

export class WatchView {
  /**
   * @param {object} info The metadata.
   * @param {(index: number) => void} chosen Called with the class that is watched; -1 for none.
   */
  constructor(info, chosen) {
    Object.assign(this, { info, chosen, alarm: new Alarm(), before: null, drawn: null });
    this.key = `timeline/${info.classes.join(",")}`;
    this.timeline = new Timeline(recall(this.key, {}));
    const kept = recall(`watch/${info.classes.join(",")}`, {});
    this.watched = info.classes.indexOf(kept.watched ?? DEFAULT_CLASS);
    this.recall = kept.recall ?? null;
    byId("seconds").value = kept.seconds ?? 30;
    for (const id of SWITCHES) byId(id).checked = kept[id] ?? byId(id).checked;
    this.watch = new Watch(Number(byId("seconds").value));
    this.listen();
    inEveryLanguage(() => this.refresh());
    chosen(this.watched);
  }

  listen() {
    const changed = () => this.change();
    for (const id of ["watched", "seconds", ...SWITCHES]) byId(id).addEventListener("change", changed);
    byId("recall").querySelector("select").addEventListener("change", changed);
    byId("try-alert").onclick = () => this.alarm.play();
    byId("save-timeline").onclick = () => saveCsv("timeline.csv", this.timeline.table(this.info.classes));
    byId("delete-timeline").onclick = () => this.delete();
  }

  change() {
    const seconds = Number(byId("seconds").value);
    if (!byId("seconds").checkValidity() || seconds === 0) byId("seconds").value = this.watch.seconds;
    else this.watch.seconds = seconds;
    const watched = Number(byId("watched").value);
    if (watched !== this.watched) this.stop();
    this.watched = watched;
    const wanted = byId("recall").querySelector("select").value;
    this.recall = wanted === "" ? null : Number(wanted);
    const settings = { watched: this.name ?? "", recall: this.recall, seconds: this.watch.seconds };
    for (const id of SWITCHES) settings[id] = byId(id).checked;
    keep(`watch/${this.info.classes.join(",")}`, settings);
    this.chosen(watched);
    this.refresh();
  }

  get name() {
    return this.info.classes[this.watched] ?? null;
  }

  /** What is known of the threshold that was chosen; null for the most probable class. */
  get threshold() {
    return this.info.thresholds[this.name]?.find((row) => row.wanted_recall === this.recall) ?? null;
  }

  /** Take in what a frame of the camera shows. */
  update(probabilities, judgement, time) {
    const passed = this.before === null ? 0 : time - this.before;
    this.before = time;
    const clear = judgement.sure && judgement.familiar;
    if (passed <= GAP) this.timeline.add(new Date(), clear ? this.info.classes[judgement.index] : UNSURE, passed);
    if (this.watched >= 0) {
      const excess = excessOf(probabilities, this.watched, this.threshold?.threshold ?? null, judgement);
      this.follow(this.watch.update(excess, time));
    }
    if (this.drawn === null || time - this.drawn > 1) this.draw(time);
  }

  follow({ lasted, alert, ended }) {
    if (ended) this.timeline.at(new Date()).breaks += 1;
    if (alert) {
      this.timeline.at(new Date()).alerts += 1;
      this.alarm.raise(text("alarm", { name: spoken(this.name), time: duration(this.watch.seconds) }));
    }
    if (lasted === null) this.alarm.end();
    byId("stretch").value = Math.min(1, (lasted ?? 0) / this.watch.seconds);
    byId("stretch").classList.toggle("over", this.watch.alerted);
    const said = lasted === null ? "" : text("stretch_said", { name: spoken(this.name), time: duration(lasted) });
    setText("stretch-said", said);
    if (alert || ended) this.draw(this.before);
  }

  /** The camera is off: a stretch ends without a break. */
  stop() {
    this.watch.reset();
    this.before = null;
    this.follow({ lasted: null, alert: false, ended: false });
    this.draw(null);
  }

  delete() {
    if (!confirm(text("delete_sure"))) return;
    this.timeline = new Timeline();
    keep(this.key, null);
    this.draw(null);
  }

  /** Draw the day, and have the browser keep it. */
  draw(time) {
    this.drawn = time;
    const kept = Object.keys(this.timeline.minutes).length === 0 || keep(this.key, this.timeline.minutes);
    const today = minuteOf(new Date()).slice(0, 10);
    const totals = this.timeline.totals(today);
    drawTimeline(byId("timeline"), this.timeline.day(today), this.info.classes, this.name);
    const words = timelineWords(totals, this.info.classes, this.name);
    byId("timeline-said").replaceChildren(...words, element("span", {}, text(kept ? "kept_here" : "not_kept")));
    byId("alerts-today").textContent = totals.alerts;
    byId("breaks-today").textContent = totals.breaks;
    const seen = Object.values(totals.seconds).reduce((sum, seconds) => sum + seconds, 0);
    const watched = totals.seconds[this.name] ?? 0;
    byId("watched-today").textContent = seen > 0 ? text("of_time", { time: duration(watched), share: percent(watched / seen), all: duration(seen) }) : "–";
  }

  refresh() {
    const options = this.info.classes.map((name, i) => element("option", { value: i }, spoken(name)));
    byId("watched").replaceChildren(element("option", { value: -1 }, text("nothing")), ...options);
    byId("watched").value = this.watched;
    const rows = this.info.thresholds[this.name] ?? [];
    const choices = rows.map((row) => element("option", { value: row.wanted_recall }, text("catch", { share: percent(row.wanted_recall) })));
    const select = byId("recall").querySelector("select");
    select.replaceChildren(element("option", { value: "" }, text("most_probable")), ...choices);
    select.value = this.threshold ? this.recall : "";
    byId("recall").hidden = rows.length === 0;
    const row = this.threshold;
    const said = row ? text("catch_said", { recall: interval(row.recall), alarms: interval(row.false_alarms) }) : "";
    setText("recall-said", said);
    setText("watched-today-name", this.name === null ? "" : spoken(this.name));
    this.draw(this.drawn);
  }
}
