/** A clock in a worker: a hidden tab slows the timers of its page, and not those of workers. */

const SOURCE = "let timer; onmessage = ({ data }) => { clearInterval(timer); timer = setInterval(() => postMessage(0), data); };";

export class Clock {
  /** @param {() => void} tick Called at every tick. */
  constructor(tick) {
    const address = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = tick;
    URL.revokeObjectURL(address);
  }

  /** @param {number} milliseconds From one tick to the next. */
  run(milliseconds) {
    this.worker.postMessage(milliseconds);
  }
}
