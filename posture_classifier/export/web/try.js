/** The page: a webcam, a video or photos, and what the classifier says of them. */
import { AnswerView, setText } from "./answer_view.js";
import { Camera } from "./camera.js";
import { showFacts } from "./facts.js";
import { judge } from "./judgement.js";
import { keep, recall } from "./kept.js";
import { Live } from "./live.js";
import { byId, element, pageData } from "./page_data.js";
import { Photos } from "./photos.js";
import { Smoothing } from "./smoothing.js";
import { chooseLanguage, currentLanguage, duration, fillPage, inEveryLanguage, percent, spoken, text } from "./texts.js";
import { WatchView } from "./watch_view.js";

const SMOOTHINGS = [0, 0.5, 1, 2, 5];
const DEFAULT_SMOOTHING = 1;

/** @param {() => Promise<object>} open Opens the classifier, whose `info` is the page's metadata. */
export async function startTry(open) {
  const info = pageData().metadata;
  inEveryLanguage(() => {
    fillPage();
    showFacts(info);
    for (const button of document.querySelectorAll(".languages button")) {
      button.setAttribute("aria-pressed", button.lang === currentLanguage());
    }
  });
  for (const button of document.querySelectorAll(".languages button")) button.onclick = () => chooseLanguage(button.lang);
  byId("state").textContent = text("loading");
  try {
    new TryPage(await open()).ready();
  } catch (error) {
    byId("state").textContent = text("not_opened", { reason: error.message });
  }
}

class TryPage {
  constructor(classifier) {
    this.classifier = classifier;
    this.info = classifier.info;
    this.video = byId("video");
    this.kind = null;
    this.clipCounts = new Map();
    this.answer = new AnswerView(this.info);
    this.watch = new WatchView(this.info, (index) => this.answer.mark(index));
    this.smoothing = new Smoothing(recall("smoothing", DEFAULT_SMOOTHING));
    this.camera = new Camera(this.video, () => this.stop("camera_lost"));
    this.photos = new Photos(classifier, (...photo) => this.showPhoto(...photo));
    this.live = new Live(this.video, classifier, {
      answered: (answer, time, speed) => this.show(answer, time, speed),
      stuck: (stuck) => this.say(stuck ? text("camera_paused") : ""),
      failed: (error) => this.say(error.message),
    });
  }

  ready() {
    byId("start").onclick = () => this.startCamera();
    byId("stop").onclick = () => {
      this.stop();
      byId("start").focus();
    };
    byId("start").disabled = !Camera.possible;
    byId("photo-files").onchange = ({ target }) => this.take(target);
    byId("video-file").onchange = ({ target }) => this.take(target);
    byId("cameras").querySelector("select").onchange = ({ target }) => this.changeCamera(target.value);
    byId("mirror").querySelector("input").onchange = () => this.frame();
    byId("smoothing").onchange = ({ target }) => {
      this.smoothing.seconds = Number(target.value);
      keep("smoothing", this.smoothing.seconds);
    };
    this.video.onloadedmetadata = () => this.frame();
    this.video.onseeked = () => this.smoothing.reset();
    document.ondragover = (event) => event.preventDefault();
    document.ondrop = (event) => {
      event.preventDefault();
      this.takeFiles([...event.dataTransfer.files]);
    };
    document.onpaste = (event) => this.takeFiles([...(event.clipboardData?.files ?? [])]);
    inEveryLanguage(() => this.refresh());
  }

  /** Take the files of an input, which may be asked for the same ones again. */
  take(input) {
    this.takeFiles([...input.files]);
    input.value = "";
  }

  takeFiles(files) {
    const clip = files.find((file) => file.type.startsWith("video/"));
    const photos = files.filter((file) => !file.type.startsWith("video/"));
    if (clip) this.startClip(clip);
    if (photos.length > 0) this.photos.add(photos);
  }

  async startCamera() {
    this.stop();
    byId("start").disabled = true;
    this.watch.alarm.unlock();
    try {
      await this.camera.start();
      this.begin("camera");
      byId("stop").focus();
      await this.listCameras();
    } catch (error) {
      this.camera.stop();
      this.say(text(Camera.reason(error), { reason: error.message }));
    }
    byId("start").disabled = false;
  }

  async changeCamera(device) {
    try {
      await this.camera.change(device);
      this.smoothing.reset();
    } catch (error) {
      this.stop();
      this.say(text(Camera.reason(error), { reason: error.message }));
    }
  }

  async listCameras() {
    const { cameras, current } = await this.camera.list();
    const options = cameras.map(({ deviceId, label }, i) => element("option", { value: deviceId }, label || `${text("camera")} ${i + 1}`));
    byId("cameras").querySelector("select").replaceChildren(...options);
    byId("cameras").querySelector("select").value = current;
    byId("cameras").hidden = cameras.length < 2;
  }

  startClip(file) {
    this.stop();
    this.clipCounts.clear();
    this.clipTime = null;
    this.address = URL.createObjectURL(file);
    Object.assign(this.video, { src: this.address, controls: true });
    this.video.onerror = () => this.stop("video_unreadable");
    this.begin("clip");
    this.video.play().catch(() => {}); // it waits for a click where a browser plays nothing by itself
  }

  begin(kind) {
    this.kind = kind;
    this.say("");
    this.answer.clear();
    this.smoothing.reset();
    this.live.begin();
    this.refresh();
  }

  /** @param {string} reason Key of the text that says why; nothing where it was asked for. */
  stop(reason = "") {
    this.live.end();
    this.camera.stop();
    this.watch.stop();
    if (this.address) {
      Object.assign(this.video, { onerror: null, controls: false });
      this.video.removeAttribute("src");
      this.video.load();
      URL.revokeObjectURL(this.address);
      this.address = null;
    }
    this.kind = null;
    this.answer.clear();
    this.say(reason && text(reason));
    this.refresh();
  }

  show({ probabilities, distance }, time, { rate, took }) {
    const smooth = this.smoothing.add(probabilities, time);
    const judgement = judge(this.info, smooth, distance);
    this.answer.show(smooth, judgement);
    setText("speed", text("speed", { rate: rate.toFixed(rate < 9.95 ? 1 : 0), took: Math.round(1000 * took) }));
    if (this.kind === "camera") this.watch.update(smooth, judgement, time);
    else this.count(judgement, time);
  }

  /** Seconds of a video that each class was seen. */
  count({ index, sure }, time) {
    const passed = this.clipTime === null ? 0 : time - this.clipTime;
    this.clipTime = time;
    const name = sure ? spoken(this.info.classes[index]) : text("not_sure");
    if (passed > 0 && passed < 2) this.clipCounts.set(name, (this.clipCounts.get(name) ?? 0) + passed);
    const all = [...this.clipCounts.values()].reduce((sum, seconds) => sum + seconds, 0);
    const words = [...this.clipCounts].map(([each, seconds]) => `${each} ${duration(seconds)} (${percent(seconds / all)})`);
    setText("clip", words.join(" · "));
  }

  showPhoto({ probabilities }, judgement, name) {
    if (this.kind !== null) return;
    this.answer.show(probabilities, judgement);
    setText("clip", name);
  }

  say(words) {
    byId("problem").textContent = words;
    byId("problem").hidden = words === "";
  }

  /** Show what fits the source: the light, the buttons, and the square that the network sees. */
  frame() {
    const on = this.kind !== null;
    const { videoWidth: width, videoHeight: height } = this.video;
    this.video.hidden = !on;
    byId("welcome").hidden = on;
    byId("stop").hidden = !on;
    byId("mirror").hidden = this.kind !== "camera";
    if (this.kind !== "camera") byId("cameras").hidden = true;
    this.video.classList.toggle("mirrored", this.kind === "camera" && byId("mirror").querySelector("input").checked);
    byId("stage").classList.toggle("on", this.kind === "camera");
    byId("light").querySelector("span").textContent = text(this.kind === "camera" ? "camera_on" : "camera_off");
    byId("seen").hidden = !on || !width || this.info.preprocessing.resize !== "crop";
    const side = Math.min(width, height);
    byId("stage").style.setProperty("--ratio", on && width ? width / height : 4 / 3);
    byId("seen").style.setProperty("--across", `${(50 * (width - side)) / width}%`);
    byId("seen").style.setProperty("--down", `${(50 * (height - side)) / height}%`);
  }

  refresh() {
    setText("state", text(Camera.possible ? "ready" : "camera_impossible"));
    const choices = SMOOTHINGS.map((seconds) => element("option", { value: seconds }, seconds === 0 ? text("none") : `${seconds} s`));
    byId("smoothing").replaceChildren(...choices);
    byId("smoothing").value = this.smoothing.seconds;
    this.answer.refresh();
    this.frame();
  }
}
