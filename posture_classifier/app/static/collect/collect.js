// The Collect page: who and what is on the photos first, then the camera or files of a phone.
import { element, fillWith, isForControl } from "../dom.js";
import { applyTexts, t } from "../i18n.js";
import { ask } from "../request.js";
import { Camera } from "./camera.js";
import { Labels } from "./labels.js";
import { showProgress } from "./progress.js";
import { Uploads } from "./uploads.js";

const BURST_MS = 500;
const REFRESH_MS = 4000;
const SHOWN_PHOTOS = 24;
const CAMERA_PROBLEMS = { NotAllowedError: "denied", NotFoundError: "none", NotReadableError: "busy", NotSupportedError: "insecure" };
const byId = (id) => document.getElementById(id);

class CollectPage {
  constructor() {
    this.labels = new Labels(() => this.updateButtons());
    this.camera = new Camera(byId("video"));
    this.uploads = new Uploads((answered) => this.show(answered));
    this.burst = null;
    this.counting = null;
    this.tally = { saved: 0, copies: 0 };
  }

  async start() {
    const actions = { take: () => this.take(), burst: () => this.toggleBurst(), undo: () => this.undo() };
    for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
    byId("start-camera").addEventListener("click", () => this.startCamera());
    byId("cameras").addEventListener("change", () => this.startCamera(byId("cameras").value));
    byId("upload").addEventListener("change", () => this.upload([...byId("upload").files]));
    byId("copy").addEventListener("click", () => this.copy());
    document.addEventListener("keydown", (event) => this.onKey(event, actions));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.upload([...event.dataTransfer.files]);
    });
    window.addEventListener("beforeunload", (event) => this.uploads.pending && event.preventDefault());
    window.addEventListener("pagehide", () => this.camera.stop());
    await this.refresh();
    this.updateButtons();
    setInterval(() => document.hidden || this.refresh(), REFRESH_MS);
  }

  /** Asks what the folder holds now; another page, or a phone, may be adding photos too. */
  async refresh() {
    let state = null;
    try {
      state = await ask("/api/collect/state");
    } catch (error) {
      byId("problem").textContent = error.message;
    }
    byId("problem").hidden = state !== null;
    byId("workbench").hidden = state === null && byId("where").textContent === "";
    if (state === null) return;
    byId("where").textContent = t("collect.where", { folder: state.folder });
    this.labels.update(state);
    showProgress(state);
  }

  refreshSoon() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.refresh(), 250);
  }

  async startCamera(deviceId) {
    byId("camera-problem").textContent = "";
    try {
      await this.camera.start(deviceId);
    } catch (error) {
      byId("camera-problem").textContent = t(`camera.${CAMERA_PROBLEMS[error.name] ?? "failed"}`);
    }
    const on = this.camera.isOn;
    byId("video").hidden = !on;
    byId("invitation").hidden = on;
    this.updateButtons();
    if (!on) return;
    if (document.activeElement === document.body) byId("take").focus();
    const cameras = await this.camera.list();
    byId("camera-choice").hidden = cameras.length < 2;
    const current = this.camera.stream.getVideoTracks()[0].getSettings().deviceId;
    byId("cameras").replaceChildren(...cameras.map((each) => new Option(each.label, each.deviceId, false, each.deviceId === current)));
  }

  updateButtons() {
    const named = this.labels.complete();
    byId("take").disabled = byId("burst").disabled = !(named && this.camera.isOn);
    byId("upload").disabled = !named;
    byId("upload-label").classList.toggle("disabled", !named);
    byId("undo").disabled = !this.uploads.saved.length;
    if (!named && this.burst) this.toggleBurst();
    const labels = this.labels.value;
    byId("current").textContent = named ? `${labels.class} · ${labels.person} · ${labels.session}` : t("collect.name_first");
  }

  /** Runs an action after the self-timer. */
  async afterTimer(action) {
    if (this.counting) return;
    const seconds = Number(byId("timer").value);
    for (let left = seconds; left > 0; left -= 1) {
      this.counting = true;
      byId("countdown").textContent = String(left);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    this.counting = null;
    byId("countdown").textContent = "";
    await action();
  }

  async take() {
    if (byId("take").disabled) return;
    await this.afterTimer(() => this.capture(false));
  }

  async capture(thin) {
    const labels = this.labels.value; // as they are now: one may go on to the next class at once
    const blob = await this.camera.frame();
    byId("stage").classList.remove("flash");
    void byId("stage").offsetWidth; // starts the animation anew
    byId("stage").classList.add("flash");
    this.uploads.add(blob, labels, thin);
  }

  toggleBurst() {
    if (this.burst) {
      clearInterval(this.burst);
      this.burst = null;
    } else if (!byId("burst").disabled) {
      this.afterTimer(() => {
        this.tally = { saved: 0, copies: 0 };
        this.burst = setInterval(() => this.uploads.pending < 2 && this.capture(byId("thin").checked), BURST_MS);
        this.showBurst();
      });
    }
    this.showBurst();
  }

  showBurst() {
    byId("burst").setAttribute("aria-pressed", String(this.burst !== null));
    byId("burst-text").textContent = t(this.burst ? "collect.burst_stop" : "collect.burst");
    byId("stage").classList.toggle("recording", this.burst !== null);
  }

  upload(files) {
    byId("upload").value = "";
    if (!this.labels.complete()) {
      byId("status").textContent = t("collect.name_first");
      return;
    }
    this.tally = { saved: 0, copies: 0 };
    for (const file of files) this.uploads.add(file, this.labels.value, byId("thin").checked);
  }

  /** Shows what came of a photo. */
  show({ blob, saved, error }) {
    const status = byId("status");
    status.classList.toggle("error", error !== null);
    if (error) {
      status.textContent = error.message;
      if (this.burst && error.status !== 422) this.toggleBurst();
    } else {
      this.tally[saved ? "saved" : "copies"] += 1;
      if (saved) this.addToStrip(blob, saved);
      const file = saved?.split("/").at(-1);
      const key = saved ? "collect.saved" : "collect.copy";
      const tally = this.tally.saved + this.tally.copies > 1 ? ` ${t("collect.tally", this.tally)}` : "";
      status.textContent = `${t(key, { file })}${tally}`;
      if (saved) this.refreshSoon();
    }
    this.updateButtons();
  }

  addToStrip(blob, saved) {
    const source = URL.createObjectURL(blob);
    const image = element("img", { src: source, alt: "" });
    image.addEventListener("error", () => image.remove()); // a format that this browser does not show
    byId("strip").prepend(element("li", { data: { path: saved } }, image, element("span", { className: "caption" }, saved)));
    for (const old of [...byId("strip").children].slice(SHOWN_PHOTOS)) this.removeFromStrip(old);
  }

  removeFromStrip(shown) {
    URL.revokeObjectURL(shown.querySelector("img")?.src ?? "");
    shown.remove();
  }

  async undo() {
    const status = byId("status");
    try {
      const path = await this.uploads.undo();
      if (path === null) return;
      for (const shown of [...byId("strip").children]) if (shown.dataset.path === path) this.removeFromStrip(shown);
      status.textContent = t("collect.undone", { file: path.split("/").at(-1) });
    } catch (error) {
      status.textContent = error.message;
    }
    this.updateButtons();
    this.refreshSoon();
  }

  async copy() {
    await navigator.clipboard.writeText(byId("command").textContent);
    byId("copy").textContent = t("copied");
    setTimeout(() => (byId("copy").textContent = t("copy")), 1500);
  }

  onKey(event, actions) {
    if (isForControl(event) || event.repeat) return;
    const action = { KeyP: actions.take, Space: actions.take, KeyB: actions.burst, KeyU: actions.undo }[event.code];
    if (action) {
      event.preventDefault();
      action();
    } else if (/^[1-9]$/.test(event.key)) {
      this.labels.chooseClass(Number(event.key) - 1);
    }
  }
}

export async function start(main) {
  applyTexts(await fillWith(main, "/static/collect/collect.html"));
  byId("strip").setAttribute("aria-label", t("collect.strip"));
  await new CollectPage().start();
}
