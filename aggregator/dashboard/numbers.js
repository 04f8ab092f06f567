// numbers.js -- numbers as people read them, with the unit that a family's name ends with.

const UNITS = [
  [/_timestamp_seconds$/, 'timestamp'], [/_seconds$/, 'seconds'], [/_bytes$/, 'bytes'], [/_ratio$/, 'ratio'],
  [/_celsius$/, 'celsius'], [/_volts$/, 'volts'], [/_amperes$/, 'amperes'], [/_joules$/, 'joules'],
  [/_grams$/, 'grams'], [/_meters$/, 'meters'],
];
const SIGNS = {celsius: '°C', volts: 'V', amperes: 'A', joules: 'J', grams: 'g', meters: 'm'};

// Returns the unit of a family: the one that it declares, else the one that its name ends with.
export function unitOf(family) {
  if (/_timestamp_seconds$/.test(family.name)) return 'timestamp';
  if (family.unit) return family.unit;
  const found = UNITS.find(([ending]) => ending.test(family.name));
  return found ? found[1] : '';
}

function digits(value, count = 3) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(2);
  if (size >= 10 ** count) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(count)));
}

function scaled(value, step, names) {
  let i = 0;
  let size = value;
  while (Math.abs(size) >= step && i + 1 < names.length) {
    size /= step;
    ++i;
  }
  return `${digits(size)} ${names[i]}`;
}

function duration(value) {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size >= 86400 * 2) return `${digits(value / 86400)} d`;
  if (size >= 3600 * 2) return `${digits(value / 3600)} h`;
  if (size >= 120) return `${digits(value / 60)} min`;
  if (size >= 1) return `${digits(value)} s`;
  if (size >= 1e-3) return `${digits(value * 1e3)} ms`;
  if (size >= 1e-6) return `${digits(value * 1e6)} µs`;
  return `${digits(value * 1e9)} ns`;
}

// Returns the value with its unit; an empty text if there is none.
export function shown(value, unit = '') {
  if (value === undefined || value === null) return '';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (unit === 'timestamp') return new Date(value * 1e3).toISOString().slice(0, 19) + 'Z';
  if (unit === 'seconds') return duration(value);
  if (unit === 'bytes') return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
  if (unit === 'ratio') return `${digits(value * 100)} %`;
  const text = Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toLocaleString('en') : digits(value);
  return unit ? `${text} ${SIGNS[unit] ?? unit}` : text;
}

// Returns a rate with its unit: of a family that counts seconds, seconds per second.
export function rateShown(rate, unit = '') {
  if (rate === undefined || rate === null) return '';
  return `${unit === 'seconds' ? `${digits(rate)} s` : shown(Number(rate.toPrecision(4)), unit)}/s`;
}

// Returns a part of a whole, between 0 and 1.
export function part(used, capacity) {
  return capacity > 0 ? Math.min(1, used / capacity) : 0;
}

export function percent(share) {
  return `${share > 0 && share < 0.01 ? '<1' : Math.round(share * 100)} %`;
}

// Returns the quantile of [[lower, upper, count], ...], ascending, as histogram_quantile() does: by
// interpolation, and the lower bound of the bucket that has no upper one. Undefined if all are 0.
export function quantile(q, buckets) {
  const all = buckets.reduce((sum, bucket) => sum + bucket[2], 0);
  if (!(all > 0)) return undefined;
  let below = 0;
  for (const [lower, upper, count] of buckets) {
    if (count > 0 && below + count >= q * all) {
      if (upper === Infinity) return lower === -Infinity ? undefined : lower;
      const from = lower === -Infinity ? Math.min(upper, 0) : lower;
      return from + (upper - from) * (q * all - below) / count;
    }
    below += count;
  }
  return undefined;
}
