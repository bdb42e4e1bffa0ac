/** Classifies on the local server that the page came from. */
import { rgbOf } from "./rgb.js";
import { currentLanguage } from "./texts.js";

export class ServerClassifier {
  /**
   * @param {object} info The metadata of the network.
   * @param {string} address Where frames are posted to.
   */
  constructor(info, address) {
    this.info = info;
    this.address = address;
  }

  /**
   * @param {ImageData} image A frame or photo of any size.
   * @returns {Promise<{probabilities: number[], distance: number|null}>}
   */
  async classify(image) {
    const { data, width, height } = image;
    const answer = await fetch(`${this.address}?width=${width}&height=${height}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", "Accept-Language": currentLanguage() },
      body: rgbOf(data),
    });
    const content = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(content.error ?? String(answer.status));
    return content;
  }
}
