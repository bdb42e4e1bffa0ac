// The webcam: starting it, choosing one of several, and taking a frame as a JPEG.
const LONGEST_SIDE = 1280;

export class Camera {
  constructor(video) {
    this.video = video;
    this.stream = null;
  }

  get isOn() {
    return this.stream !== null && this.video.videoWidth > 0;
  }

  /** Starts a camera, by default the one that the browser proposes; throws what it refuses. */
  async start(deviceId) {
    this.stop();
    if (!navigator.mediaDevices) throw new DOMException("", "NotSupportedError");
    const size = { width: { ideal: LONGEST_SIDE }, height: { ideal: 720 } };
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false });
    this.video.srcObject = this.stream;
    await this.video.play();
    const facing = this.stream.getVideoTracks()[0].getSettings().facingMode;
    this.video.classList.toggle("mirrored", facing !== "environment"); // as people know it; photos are not
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  /** The cameras of this machine, once one of them was allowed. */
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "videoinput");
  }

  /** The frame that is shown, as a JPEG; the same picture for all classes and sizes. */
  async frame() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(videoWidth, videoHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  }
}
