/** What the browser keeps from one visit to the next; some keep nothing for a page from a file. */

const PREFIX = "posture_classifier.";

/** What was kept under a key, of the type of `otherwise`: text as it is, all else as JSON. */
export function recall(key, otherwise) {
  try {
    const kept = localStorage.getItem(PREFIX + key);
    if (kept === null) return otherwise;
    return typeof otherwise === "string" ? kept : JSON.parse(kept);
  } catch {
    return otherwise;
  }
}

/** @returns {boolean} Whether it is kept; null forgets the key. */
export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, typeof value === "string" ? value : JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
