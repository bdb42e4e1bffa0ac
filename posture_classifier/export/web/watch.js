/** Tells when a class has lasted too long, and counts alerts and breaks. */

/** Seconds for which the class must be gone before its stretch has ended. */
export const RELEASE = 3;

/** By how much the probability must fall below what began a stretch, to count as gone. */
export const MARGIN = 0.1;

export class Watch {
  /** @param {number} seconds How long a stretch may last before it is an alert. */
  constructor(seconds) {
    this.seconds = seconds;
    this.reset();
  }

  reset() {
    this.began = null;
    this.seen = null;
    this.alerted = false;
  }

  /**
   * @param {number} excess How far the class's probability is above what it takes; -1 where nothing
   *   can be said.
   * @param {number} time When, in seconds.
   * @returns {{lasted: number|null, alert: boolean, ended: boolean}} Seconds of the stretch that
   *   goes on, whether it has become an alert just now, and whether a stretch has ended in a break.
   */
  update(excess, time) {
    let ended = false;
    if (this.began !== null && time - this.seen >= RELEASE && (excess < -MARGIN || time - this.seen >= 2 * RELEASE)) {
      ended = this.seen - this.began >= RELEASE;
      this.reset();
    }
    if (this.began === null && excess >= 0) this.began = this.seen = time;
    if (this.began !== null && excess >= -MARGIN) this.seen = time;
    const lasted = this.began === null ? null : this.seen - this.began;
    const alert = lasted !== null && lasted > this.seconds && !this.alerted;
    if (alert) this.alerted = true;
    return { lasted, alert, ended };
  }
}

/**
 * How far a class is above what it takes to begin a stretch.
 *
 * @param {number[]} probabilities Smoothed probabilities.
 * @param {number} index The class.
 * @param {number|null} threshold From which probability it is called; null if it has to be the most
 *   probable class, and sure.
 * @param {{sure: boolean, familiar: boolean}} answer What else is known of them.
 */
export function excessOf(probabilities, index, threshold, { sure, familiar }) {
  if (!familiar) return -1;
  if (threshold !== null) return probabilities[index] - threshold;
  if (!sure) return -1;
  return probabilities[index] - Math.max(...probabilities.filter((_, i) => i !== index));
}
