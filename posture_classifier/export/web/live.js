/** Classifies frame after frame of a video that plays, also while its tab is hidden. */
import { Clock } from "./clock.js";
import { pixelsOfFrame } from "./pixels.js";

/** Milliseconds between two looks for a new frame; a posture that lasts needs few of them. */
export const VISIBLE = 50;
const HIDDEN = 500;
/** Seconds without a new frame after which the browser is said to have paused the video. */
const STUCK = 5;

export class Live {
  /**
   * @param {HTMLVideoElement} video
   * @param {object} classifier
   * @param {{answered: function, stuck: function, failed: function}} listeners
   *   `answered(answer, time, speed)` after each frame, `stuck(boolean)`, `failed(error)`.
   */
  constructor(video, classifier, listeners) {
    Object.assign(this, { video, classifier, listeners, running: false, busy: false });
    this.clock = new Clock(() => this.look());
    document.addEventListener("visibilitychange", () => this.pace());
    document.addEventListener("visibilitychange", () => this.resume());
  }

  begin() {
    Object.assign(this, { running: true, lastFrame: null, lastNew: now(), isStuck: false, speed: null });
    this.pace();
  }

  end() {
    this.running = false;
    this.pace();
  }

  pace() {
    this.clock.run(!this.running || document.hidden ? HIDDEN : VISIBLE);
  }

  /** Go on where a browser has paused a camera while its page was hidden. */
  resume() {
    if (this.running && !document.hidden && this.video.srcObject && this.video.paused) this.video.play().catch(() => {});
  }

  async look() {
    const { video } = this;
    if (!this.running || this.busy || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    if (video.paused && !video.srcObject) return; // by whoever watches the video
    if (video.paused || video.currentTime === this.lastFrame) {
      this.setStuck(now() - this.lastNew > STUCK);
      return;
    }
    this.lastFrame = video.currentTime;
    const began = now();
    const passed = began - this.lastNew;
    this.lastNew = began;
    this.setStuck(false);
    this.busy = true;
    try {
      const time = video.srcObject ? began : video.currentTime;
      const answer = await this.classifier.classify(pixelsOfFrame(video));
      if (this.running) this.listeners.answered(answer, time, this.measure(passed, now() - began));
    } catch (error) {
      if (this.running) this.listeners.failed(error);
    } finally {
      this.busy = false;
    }
  }

  setStuck(stuck) {
    if (stuck !== this.isStuck) this.listeners.stuck(stuck);
    this.isStuck = stuck;
  }

  /** Frames per second and seconds per frame, averaged over about ten frames. */
  measure(passed, took) {
    const before = this.speed ?? { passed, took };
    const mean = (old, value) => old + 0.1 * (value - old);
    this.speed = { passed: mean(before.passed, passed), took: mean(before.took, took) };
    return { rate: 1 / this.speed.passed, took: this.speed.took };
  }
}

function now() {
  return performance.now() / 1000;
}
