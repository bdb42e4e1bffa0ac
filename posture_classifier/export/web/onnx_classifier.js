/** Classifies in the browser, by the network and the runtime that the page holds. */
import { byId } from "./page_data.js";

export class OnnxClassifier {
  constructor(info, worker) {
    this.info = info;
    this.worker = worker;
    this.waiting = new Map();
    this.asked = 0;
    worker.onmessage = ({ data }) => this.settle(data);
    worker.onerror = (event) => this.fail(event.message);
  }

  /**
   * Start the worker and hand it what the page holds, which is then dropped from the page.
   *
   * @param {object} info The metadata of the network.
   * @param {string} source The worker's script.
   */
  static async open(info, source) {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const classifier = new OnnxClassifier(info, new Worker(address));
    const packed = Object.fromEntries(["runtime", "model"].map((id) => [id, byId(id).textContent]));
    await classifier.ask({ open: packed });
    for (const id of ["runtime", "model"]) byId(id).remove();
    URL.revokeObjectURL(address);
    return classifier;
  }

  /**
   * @param {ImageData} image A frame or photo of any size; its pixels are handed over.
   * @returns {Promise<{probabilities: number[], distance: number|null}>}
   */
  classify(image) {
    const { data, width, height } = image;
    return this.ask({ pixels: data.buffer, width, height }, [data.buffer]);
  }

  ask(message, transfer = []) {
    const number = this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.worker.postMessage({ ...message, number }, transfer);
    });
  }

  settle({ number, answer, error }) {
    const { resolve, reject } = this.waiting.get(number);
    this.waiting.delete(number);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  }

  fail(message) {
    for (const { reject } of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }
}
