/** The answer in large letters, and a bar for each class. */
import { byId, element } from "./page_data.js";
import { chance, spoken, text } from "./texts.js";

export class AnswerView {
  /** @param {object} info The metadata. */
  constructor(info) {
    this.bars = info.classes.map((name) => {
      const fill = element("i");
      const share = element("span", { class: "number" });
      byId("bars").append(element("div", { class: "row" }, element("span", {}, spoken(name)), element("span", { class: "bar" }, fill), share));
      return { fill, share };
    });
    this.info = info;
    this.shown = null;
  }

  /** Mark the class that is watched. */
  mark(index) {
    this.bars.forEach(({ fill }, i) => fill.classList.toggle("watched", i === index));
  }

  /**
   * @param {number[]} probabilities
   * @param {{index: number, probability: number, sure: boolean, familiar: boolean}} judgement
   */
  show(probabilities, judgement) {
    this.shown = { probabilities, judgement };
    const { index, probability, sure, familiar } = judgement;
    setText("label", sure ? spoken(this.info.classes[index]) : text("not_sure"));
    setText("share", sure ? chance(probability) : text("rather", { name: spoken(this.info.classes[index]), share: chance(probability) }));
    setText("remark", familiar ? "" : text("unfamiliar"));
    this.bars.forEach(({ fill, share }, i) => {
      fill.style.setProperty("--share", probabilities[i]);
      share.textContent = chance(probabilities[i]);
    });
  }

  clear() {
    this.shown = null;
    for (const id of ["label", "share", "remark", "speed", "clip"]) setText(id, "");
    for (const { fill, share } of this.bars) {
      fill.style.setProperty("--share", 0);
      share.textContent = "";
    }
  }

  /** Say it again in another language. */
  refresh() {
    if (this.shown) this.show(this.shown.probabilities, this.shown.judgement);
  }
}

/** Change a text only where it differs, so that what is read aloud is news. */
export function setText(id, words) {
  if (byId(id).textContent !== words) byId(id).textContent = words;
}
