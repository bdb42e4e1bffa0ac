/** Makes an alert noticed: by a sound, the page's title and a notification. */
import { byId } from "./page_data.js";
import { text } from "./texts.js";

export class Alarm {
  constructor() {
    this.audio = null;
    this.flashing = null;
    byId("use-notification").onchange = ({ target }) => this.allowNotification(target);
  }

  /** A browser plays sound only once someone has clicked. */
  unlock() {
    this.audio ??= new AudioContext();
    return this.audio.resume();
  }

  /** @param {string} message What has lasted too long. */
  raise(message) {
    byId("alarm").textContent = message;
    byId("alarm").hidden = false;
    if (byId("use-sound").checked) this.play();
    if (byId("use-title").checked) this.flash(message);
    if (byId("use-notification").checked && Notification.permission === "granted") {
      new Notification(message, { tag: "posture_classifier" });
    }
  }

  end() {
    byId("alarm").hidden = true;
    clearInterval(this.flashing);
    if (this.flashing !== null) document.title = byId("title").textContent;
    this.flashing = null;
  }

  flash(message) {
    clearInterval(this.flashing);
    document.title = message;
    let on = true;
    this.flashing = setInterval(() => {
      on = !on;
      document.title = on ? message : byId("title").textContent;
    }, 1000);
  }

  /** Two soft tones, the second a fourth below. */
  async play() {
    await this.unlock();
    for (const [delay, pitch] of [
      [0, 660],
      [0.22, 495],
    ]) {
      const at = this.audio.currentTime + delay;
      const tone = new OscillatorNode(this.audio, { frequency: pitch, type: "sine" });
      const volume = new GainNode(this.audio, { gain: 0 });
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.25, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
      tone.connect(volume).connect(this.audio.destination);
      tone.start(at);
      tone.stop(at + 0.65);
    }
  }

  async allowNotification(box) {
    if (!box.checked) return;
    const permission = "Notification" in window ? await Notification.requestPermission().catch(() => "denied") : "denied";
    box.checked = permission === "granted";
    if (!box.checked) {
      byId("problem").textContent = text("notification_refused");
      byId("problem").hidden = false;
    }
  }
}
