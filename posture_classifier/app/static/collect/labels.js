// Class, person and session of the photos that are taken next.
import { element } from "../dom.js";
import { t } from "../i18n.js";
import { nameProblem, today } from "./names.js";

const KEY = "posture_classifier.labels";
const byId = (id) => document.getElementById(id);

export class Labels {
  /** @param onChange called whenever one of them changes. */
  constructor(onChange) {
    this.onChange = onChange;
    this.known = [];
    this.added = [];
    this.people = [];
    const before = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    this.className = before.class ?? "";
    if (this.className) this.added.push(this.className);
    byId("person").value = before.person ?? "";
    byId("session").value = before.session ?? today();
    byId("new-class").placeholder = t("collect.new_class");
    byId("new-class").setAttribute("aria-label", t("collect.new_class"));
    for (const part of ["person", "session"]) {
      byId(part).addEventListener("input", () => this.changed());
      byId(part).addEventListener("change", () => this.showProblem(part, byId(part).value));
    }
    byId("add-class").addEventListener("click", () => this.addClass());
    byId("new-class").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.addClass();
    });
    byId("labels").addEventListener("submit", (event) => event.preventDefault());
  }

  get value() {
    const clean = (id) => byId(id).value.trim().normalize("NFC");
    return { class: this.className, person: clean("person"), session: clean("session") };
  }

  complete() {
    return Object.entries(this.value).every(([part, name]) => nameProblem(part, name) === null);
  }

  /** Offers the classes and people that a folder has. */
  update(state) {
    this.known = state.classes;
    this.people = state.people;
    const fill = (id, names) => byId(id).replaceChildren(...names.map((name) => new Option(name)));
    fill("people", state.people.map((person) => person.name));
    this.fillSessions();
    const names = [...new Set([...this.known, ...this.added])].sort();
    if (names.join("\n") !== this.shownClasses) this.showClasses(names);
    this.onChange();
  }

  fillSessions() {
    const person = this.people.find((each) => each.name === this.value.person);
    byId("sessions").replaceChildren(...(person?.sessions ?? []).map((session) => new Option(session.name)));
  }

  showClasses(names) {
    this.shownClasses = names.join("\n");
    const chips = names.map((name, index) => {
      const input = element("input", { type: "radio", name: "class", value: name, checked: name === this.className });
      input.addEventListener("change", () => this.setClass(name));
      const key = index < 9 ? element("kbd", {}, String(index + 1)) : null;
      return element("label", { className: "chip" }, input, element("span", {}, name), key);
    });
    byId("classes").replaceChildren(...chips);
  }

  setClass(name) {
    this.className = name;
    byId("class-problem").textContent = "";
    this.changed();
  }

  chooseClass(index) {
    const input = byId("classes").querySelectorAll("input")[index];
    if (!input) return;
    input.checked = true;
    this.setClass(input.value);
  }

  addClass() {
    const typed = byId("new-class").value;
    if (!this.showProblem("class", typed)) return;
    const name = typed.trim().normalize("NFC");
    this.className = name;
    this.added.push(name);
    byId("new-class").value = "";
    this.showClasses([...new Set([...this.known, ...this.added])].sort());
    this.changed();
  }

  changed() {
    sessionStorage.setItem(KEY, JSON.stringify(this.value));
    for (const part of ["person", "session"]) {
      if (byId(`${part}-problem`).textContent) this.showProblem(part, byId(part).value);
    }
    this.fillSessions();
    this.onChange();
  }

  /** Says what is wrong with a name; returns whether nothing is. */
  showProblem(part, typed) {
    const problem = nameProblem(part, typed);
    byId(`${part}-problem`).textContent = problem ? t(problem.key, problem.values) : "";
    byId(part === "class" ? "new-class" : part).setAttribute("aria-invalid", String(problem !== null));
    return problem === null;
  }
}
