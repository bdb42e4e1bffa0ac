/**
 * Exponential smoothing over time: what was seen a number of seconds ago counts 1/e as much as
 * what is seen now, however many frames there were.
 */
export class Smoothing {
  /** @param {number} seconds The time constant; 0 does not smooth. */
  constructor(seconds) {
    this.seconds = seconds;
    this.reset();
  }

  reset() {
    this.values = null;
    this.time = null;
  }

  /**
   * @param {number[]} values One row of probabilities.
   * @param {number} time When it was seen, in seconds.
   * @returns {number[]} The smoothed row; it sums to what the rows sum to.
   */
  add(values, time) {
    const passed = this.time === null ? Infinity : Math.max(0, time - this.time);
    const weight = this.seconds > 0 ? 1 - Math.exp(-passed / this.seconds) : 1;
    this.values = this.values === null ? [...values] : values.map((value, i) => this.values[i] + weight * (value - this.values[i]));
    this.time = time;
    return this.values;
  }
}
