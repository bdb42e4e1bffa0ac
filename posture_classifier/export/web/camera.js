/** The webcam: on when asked, off when told. */
import { keep, recall } from "./kept.js";

const REASONS = { NotAllowedError: "camera_refused", NotFoundError: "camera_none", NotReadableError: "camera_busy" };

export class Camera {
  /**
   * @param {HTMLVideoElement} video Shows it.
   * @param {() => void} lost Called when the camera ends by itself, as one that is unplugged.
   */
  constructor(video, lost) {
    this.video = video;
    this.lost = lost;
    this.stream = null;
  }

  /** Whether the browser lets this page use a camera at all. */
  static get possible() {
    return navigator.mediaDevices?.getUserMedia !== undefined;
  }

  /** Key of the text that says why it did not start. */
  static reason(error) {
    return REASONS[error.name] ?? "camera_failed";
  }

  async start(device = recall("camera", "")) {
    this.stop();
    const size = { width: { ideal: 640 }, height: { ideal: 480 } };
    const choice = device ? { deviceId: { ideal: device } } : { facingMode: "user" };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...choice }, audio: false });
    this.stream.getVideoTracks()[0].addEventListener("ended", this.lost);
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  /** The cameras that there are, and which one is on. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return {
      cameras: devices.filter((device) => device.kind === "videoinput"),
      current: this.stream?.getVideoTracks()[0].getSettings().deviceId,
    };
  }

  async change(device) {
    keep("camera", device);
    await this.start(device);
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) {
      track.removeEventListener("ended", this.lost);
      track.stop();
    }
    this.stream = null;
    this.video.srcObject = null;
  }
}
