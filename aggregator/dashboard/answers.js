// answers.js -- asks the daemon, and reads what it answers: see docs/api.md.

// Where the pages are, without the name and password that the page's URL may have had: fetch() refuses
// those, and the browser knows them.
const BASE = location.origin + location.pathname.replace(/[^/]*$/, '');

// Returns the answer of api/v1/NAME. Throws an Error that says why there is none.
export async function ask(name, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''));
  const response = await fetch(`${BASE}api/v1/${name}?${query}`, {cache: 'no-store', signal});
  if (!response.ok) {
    let why = '';
    if (response.headers.get('Content-Type') === 'application/json') why = `: ${(await response.json()).error}`;
    throw new Error(`${response.status}${why}`);
  }
  return response.json();
}

function ascending(a, b) {
  return a[1] - b[1] || a[0] - b[0];
}

export function number(text) {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

// Returns what one series has counted: {value, text} of a counter or gauge, {count, sum, buckets}
// of a histogram or summary, with buckets [[lower, upper, count], ...] that hold something.
export function reading(family, series) {
  const result = {buckets: []};
  let below = 0;
  let lower = -Infinity;
  for (const sample of series.samples) {
    if (family.type === 'histogram' && sample.name === `${family.name}_bucket`) {
      const upper = number(sample.labels.le);
      const cumulative = Number(sample.value);
      if (cumulative > below) result.buckets.push([lower, upper, cumulative - below]);
      below = cumulative;
      lower = upper;
    } else if (sample.name === `${family.name}_sum`) {
      result.sum = number(sample.value);
    } else if (sample.name === `${family.name}_count`) {
      result.count = Number(sample.value);
      result.text = sample.value;
    } else {
      result.value = number(sample.value);
      result.text = sample.value;
    }
  }
  // Native buckets are finer: each observation is in one of them, too.
  if (series.native_buckets?.length) {
    result.buckets = series.native_buckets.map((b) => [number(b.lower), number(b.upper), Number(b.count)]);
  }
  return result;
}

// Returns the readings of a family whose series have different bounds as one.
export function together(readings) {
  if (readings.length < 2) return readings[0];
  const sum = (member) => readings.reduce((all, r) => all + (r[member] ?? 0), 0);
  const result = {sum: sum('sum'), count: sum('count'), buckets: readings.flatMap((r) => r.buckets).sort(ascending)};
  result.text = String(result.count);
  return result;
}

// Returns the labels as a text: a="x", b="y". It is only ever shown as text.
export function spelled(labels) {
  return Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(', ');
}
