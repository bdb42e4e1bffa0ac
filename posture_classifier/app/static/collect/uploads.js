// Sends photos one after the other, and remembers which were saved, so that the last can be undone.
import { ask } from "../request.js";

const KEY = "posture_classifier.saved";

export class Uploads {
  /** @param onChange called with each photo that was answered: {blob, labels, saved, error}. */
  constructor(onChange) {
    this.onChange = onChange;
    this.waiting = [];
    this.busy = false;
    this.saved = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
  }

  /** Number of photos that are not answered yet. */
  get pending() {
    return this.waiting.length + (this.busy ? 1 : 0);
  }

  add(blob, labels, thin) {
    this.waiting.push({ blob, labels, thin });
    this.send();
  }

  /** Drops what waits: after a refusal such as a full disk the rest would be refused as well. */
  drop() {
    this.waiting = [];
  }

  async send() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length) {
      const { blob, labels, thin } = this.waiting.shift();
      const query = new URLSearchParams({ ...labels, thin: String(thin) });
      const type = blob.type.startsWith("image/") ? blob.type : "application/octet-stream";
      const answered = { blob, labels, saved: null, error: null };
      try {
        const { saved } = await ask(`/api/collect/photo?${query}`, { method: "POST", body: blob, headers: { "Content-Type": type } });
        answered.saved = saved;
        if (saved) this.remember([...this.saved, saved]);
      } catch (error) {
        answered.error = error;
        if (error.status === 507 || error.status === 0 || error.status === 401) this.drop();
      }
      this.busy = this.waiting.length > 0;
      this.onChange(answered);
    }
    this.busy = false;
  }

  /** Takes back the photo that was saved last; returns its path, or null where there is none. */
  async undo() {
    const path = this.saved.at(-1);
    if (path === undefined) return null;
    this.remember(this.saved.slice(0, -1));
    await ask("/api/collect/undo", { method: "POST", json: { path } });
    return path;
  }

  remember(saved) {
    this.saved = saved.slice(-200);
    sessionStorage.setItem(KEY, JSON.stringify(this.saved));
  }
}
