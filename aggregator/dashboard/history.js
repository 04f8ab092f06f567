// history.js -- what was seen of each family, series or worker since the page was opened: the daemon
// keeps no history.
import {quantile} from './numbers.js';

export const POINTS = 120;
const AVERAGED = 5;  // points; so that the order of rows is calm

export class History {
  #entries = new Map();

  // Adds a reading at that time, in seconds, and returns its entry: {reading, rate, calm, p50, p99,
  // times, points, quantiles}. A point is the rate; of a gauge, the value.
  add(key, reading, time, isGauge = false) {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {times: [], points: [], quantiles: []};
      this.#entries.set(key, entry);
    }
    const before = entry.reading;
    if (before && time <= entry.time) return entry;
    const now = reading?.count ?? reading?.value;
    const then = before?.count ?? before?.value;
    const elapsed = time - entry.time;
    entry.rate = entry.p50 = entry.p99 = undefined;
    if (!isGauge && now !== undefined && then !== undefined && now >= then) {
      entry.rate = (now - then) / elapsed;
      const seen = difference(before.buckets, reading.buckets);
      entry.p50 = quantile(0.5, seen);
      entry.p99 = quantile(0.99, seen);
    }
    if (before && now !== then) entry.changed = time;
    if (before || isGauge) {
      entry.times.push(time);
      entry.points.push((isGauge ? now : entry.rate) ?? null);
      entry.quantiles.push([entry.p50 ?? null, entry.p99 ?? null]);
      if (entry.times.length > POINTS) for (const list of [entry.times, entry.points, entry.quantiles]) list.shift();
    }
    const last = entry.points.slice(-AVERAGED).filter((point) => point !== null);
    entry.calm = isGauge || last.length === 0 ? undefined : last.reduce((sum, point) => sum + point, 0) / last.length;
    entry.reading = reading;
    entry.time = time;
    return entry;
  }

  get(key) {
    return this.#entries.get(key);
  }

  // Forgets all but the keys.
  keep(keys) {
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
  }
}

// Returns the buckets of what was observed between two readings.
function difference(before = [], now = []) {
  const counted = new Map(before.map(([lower, upper, count]) => [`${lower} ${upper}`, count]));
  return now.map(([lower, upper, count]) => [lower, upper, count - (counted.get(`${lower} ${upper}`) ?? 0)])
    .filter((bucket) => bucket[2] > 0);
}
