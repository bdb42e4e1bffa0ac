/** What was seen in each minute: seconds of each class and of "not sure", alerts and breaks. */

export const UNSURE = "";

/** Local minute, as "2026-11-27 14:05". */
export function minuteOf(date) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export class Timeline {
  /** @param {object} minutes Earlier minutes, as `minutes` returns them. */
  constructor(minutes = {}) {
    this.minutes = minutes;
  }

  at(date) {
    return (this.minutes[minuteOf(date)] ??= { seconds: {}, alerts: 0, breaks: 0 });
  }

  /** @param {string} name A class, or `UNSURE`. */
  add(date, name, seconds) {
    const row = this.at(date);
    row.seconds[name] = Math.round(((row.seconds[name] ?? 0) + seconds) * 100) / 100;
  }

  /** Minutes of a day ("2026-11-27") with their rows, in order. */
  day(day) {
    return Object.entries(this.minutes)
      .filter(([minute]) => minute.startsWith(day))
      .sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Alerts, breaks and seconds by name of a day. */
  totals(day) {
    const totals = { alerts: 0, breaks: 0, seconds: {} };
    for (const [, row] of this.day(day)) {
      totals.alerts += row.alerts;
      totals.breaks += row.breaks;
      for (const [name, seconds] of Object.entries(row.seconds)) totals.seconds[name] = (totals.seconds[name] ?? 0) + seconds;
    }
    return totals;
  }

  /** Rows for a table, the first of which is its head. */
  table(classes) {
    const head = ["minute", ...classes.map((name) => `${name} s`), "not sure s", "alerts", "breaks"];
    const rows = this.day("").map(([minute, row]) => [
      minute,
      ...[...classes, UNSURE].map((name) => row.seconds[name] ?? 0),
      row.alerts,
      row.breaks,
    ]);
    return [head, ...rows];
  }
}
