/** Photos that were chosen, dropped or pasted: a table of answers that can be saved. */
import { saveCsv } from "./csv.js";
import { judge } from "./judgement.js";
import { byId, element } from "./page_data.js";
import { pixelsOfPhoto } from "./pixels.js";
import { chance, inEveryLanguage, spoken, text } from "./texts.js";

export class Photos {
  /**
   * @param {object} classifier
   * @param {(answer: object, judgement: object, name: string) => void} answered After each photo.
   */
  constructor(classifier, answered) {
    Object.assign(this, { classifier, answered, rows: [], waiting: 0, last: Promise.resolve() });
    byId("save-photos").onclick = () => saveCsv("predictions.csv", this.table());
    byId("clear-photos").onclick = () => this.clear();
    inEveryLanguage(() => this.refresh());
  }

  /** Classify files one after the other; resolves when all of them are. */
  add(files) {
    this.waiting += files.length;
    this.refresh();
    for (const file of files) this.last = this.last.then(() => this.classify(file));
    return this.last;
  }

  async classify(file) {
    const row = { name: file.webkitRelativePath || file.name, thumbnail: element("canvas", { role: "img" }), error: "" };
    row.thumbnail.setAttribute("aria-label", row.name);
    let pixels = null;
    try {
      pixels = await pixelsOfPhoto(file, row.thumbnail);
    } catch {
      row.error = "unreadable";
    }
    if (pixels) {
      row.answer = await this.classifier.classify(pixels).catch((error) => void (row.error = error.message));
    }
    if (row.answer) {
      row.judgement = judge(this.classifier.info, row.answer.probabilities, row.answer.distance);
      this.answered(row.answer, row.judgement, row.name);
    }
    row.line = element("tr");
    byId("photos-rows").append(row.line);
    this.rows.push(row);
    this.waiting -= 1;
    this.fill(row);
    this.count();
  }

  clear() {
    this.rows = [];
    byId("photos-rows").replaceChildren();
    this.refresh();
  }

  refresh() {
    const { classes } = this.classifier.info;
    const head = [text("photo"), "", text("label"), ...classes.map(spoken), ""];
    byId("photos-head").replaceChildren(element("tr", {}, ...head.map((words) => element("th", { scope: "col" }, words))));
    for (const row of this.rows) this.fill(row);
    this.count();
  }

  fill(row) {
    const { classes } = this.classifier.info;
    const cells = [element("td", {}, row.thumbnail), element("th", { scope: "row" }, row.name)];
    if (row.answer) {
      const { index, sure, familiar } = row.judgement;
      const label = sure ? spoken(classes[index]) : text("not_sure");
      cells.push(element("td", { class: sure ? "label" : "label muted" }, label));
      cells.push(...row.answer.probabilities.map((share) => element("td", { class: "number" }, chance(share))));
      cells.push(element("td", { class: "warning" }, familiar ? "" : text("unfamiliar")));
    } else {
      const error = row.error === "unreadable" ? text("unreadable") : row.error;
      cells.push(element("td", { class: "error", colspan: classes.length + 2 }, error));
    }
    row.line.replaceChildren(...cells);
  }

  count() {
    byId("photos").hidden = this.rows.length + this.waiting === 0;
    const { classes } = this.classifier.info;
    const answered = this.rows.filter((row) => row.answer);
    const counts = classes.map((name, i) => [spoken(name), answered.filter(({ judgement }) => judgement.sure && judgement.index === i).length]);
    counts.push([text("not_sure"), answered.filter(({ judgement }) => !judgement.sure).length]);
    counts.push([text("errors"), this.rows.length - answered.length]);
    const shown = counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
    const progress = text(this.waiting ? "photos_waiting" : "photos_done", { done: this.rows.length, all: this.rows.length + this.waiting });
    byId("photos-said").textContent = [progress, ...shown].join(" · ");
  }

  /** The table that `predict` writes: what the rules say only where there are any. */
  table() {
    const { classes, abstention, familiarity } = this.classifier.info;
    const python = (value) => (value ? "True" : "False");
    const columns = [
      ["path", ({ name }) => name],
      ["label", ({ judgement }) => classes[judgement.index]],
      ["probability", ({ judgement }) => judgement.probability],
      ...classes.map((name, i) => [name, ({ answer }) => answer.probabilities[i]]),
      ...(abstention ? [["sure", ({ judgement }) => python(judgement.sure)]] : []),
      ...(familiarity ? [["distance", ({ answer }) => answer.distance]] : []),
      ...(familiarity ? [["familiar", ({ judgement }) => python(judgement.familiar)]] : []),
      ["error", ({ error }) => error],
    ];
    const cell = (row, [name, value]) => (row.answer || name === "path" || name === "error" ? value(row) : "");
    return [columns.map(([name]) => name), ...this.rows.map((row) => columns.map((column) => cell(row, column)))];
  }
}
