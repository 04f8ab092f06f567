// panes.js -- the segments, the workers and the daemon.
import {Pager, Table, element} from './table.js';
import {Busiest, keyOf} from './busiest.js';
import {Spark} from './chart.js';
import {ask} from './answers.js';
import {part, percent, rateShown, shown} from './numbers.js';

// What an operator can do about a reason, in a line; docs/operating.md has more.
const REASONS = {
  observation_nan: 'a histogram or summary was given NaN',
  counter_negative: 'a counter was to be decreased',
  gauge_without_slot: 'a process without a slot of its own has no gauges',
  state_unknown: 'a state set was given a state that it does not have',
  family_conflict: 'two families of one process share a name',
  directory_full: 'the directory is full',
  cells_full: 'all cells are in use',
  no_space: 'the file system or the memory limit is full',
  editions_full: 'a name has too many definitions',
  limit: 'a family has reached its limit of series',
  label_value_cut: 'label values were too long, and were cut',
  slots_exhausted: 'more processes than slots',
  lanes_exhausted: 'more threads than slots for them',
  unreachable: 'the file was deleted, or may not be opened: see METRICS_GROUP',
  exemplar_invalid: 'labels of exemplars can’t be',
  exemplar_unplaced: 'the family has no places for exemplars',
};

const DONE = {label: 'cut', slot: 'refused'};

function meter(label, used, capacity, text) {
  const bar = element('span', {className: 'bar-fill'});
  const share = part(used, capacity);
  const node = element('div', {className: 'meter', role: 'meter'}, element('span', {className: 'meter-label'}),
                       element('span', {className: 'bar-back'}, bar), element('span', {className: 'meter-text'}));
  node.children[0].textContent = label;
  node.children[2].textContent = percent(share);
  node.title = text;
  node.setAttribute('aria-label', `${label}: ${text}`);
  node.setAttribute('aria-valuemin', '0');
  node.setAttribute('aria-valuemax', '100');
  node.setAttribute('aria-valuenow', String(Math.round(share * 100)));
  if (share > 0.8) node.classList.add('full');
  bar.style.width = `${100 * share}%`;
  return node;
}

// Returns what an operator should know of a segment, as [text, is it so now].
function notes(segment) {
  const list = segment.dropped.map((d) => [
    `${d.count.toLocaleString('en')} × ${d.what} ${DONE[d.what] ?? 'dropped'}: ${d.reason}: ` +
      (REASONS[d.reason] ?? 'see metrics-inspect dropped') +
      (d.since ? `, since ${d.since}` : '') +
      (d.last ? ` (last: ${d.last.family ? `${d.last.family}, ` : ''}pid ${d.last.pid}, ${d.last.time})` : ''), d.now]);
  for (const h of segment.hidden) {
    list.push([`hidden${h.where_escaped ? ' where names are escaped' : ''}: the ${h.family}, by the ${h.served}, ` +
                 'which has started later', true]);
  }
  for (const l of segment.limits) {
    list.push([`limit: ${l.family} has ${l.series} of at most ${l.max_series} series`, l.now]);
  }
  for (const f of segment.removed.held_back) {
    list.push([`held back: ${f.of_living_processes + f.of_several_processes + f.of_all} removed series of ${f.family}`,
               true]);
  }
  if (segment.expired > 0) {
    list.push([`${segment.expired.toLocaleString('en')} series are not shown: not changed for long`, false]);
  }
  return list;
}

function card(segment) {
  const title = element('h3', {textContent: segment.name});
  if (!segment.up) {
    return element('article', {className: 'card bad'}, title,
                   element('p', {className: 'state', textContent: 'can’t be read'}),
                   element('p', {textContent: segment.error}));
  }
  const facts = element('p', {className: 'facts'});
  const count = (number, what) => `${number.toLocaleString('en')} ${what}`;
  facts.textContent = [`${count(segment.slots_live, 'live')} of ${count(segment.slots_used, 'used slots')}`,
                       count(segment.families, segment.families === 1 ? 'family' : 'families'), count(segment.series, 'series'),
                       shown(segment.memory_bytes, 'bytes'), `since ${segment.created}`,
                       segment.owner ? `of ${segment.owner}` : ''].filter(Boolean).join(' · ');
  const meters = element('div', {className: 'meters'},
    meter('slots', segment.slots_used, segment.slots_capacity,
          `${segment.slots_used} of ${segment.slots_capacity} slots were ever used`),
    meter('cells', segment.cells_used, segment.cells_capacity,
          `${segment.cells_used} of ${segment.cells_capacity} cells`),
    meter('directory', segment.directory_used_bytes, segment.directory_capacity_bytes,
          `${shown(segment.directory_used_bytes, 'bytes')} of ${shown(segment.directory_capacity_bytes, 'bytes')}`));
  const list = notes(segment);
  const items = element('ul', {className: 'notes'}, ...list.map(
    ([text, now]) => element('li', {className: now ? 'now' : '', textContent: text})));
  return element('article', {className: 'card'}, title, facts, meters, ...(list.length > 0 ? [items] : []));
}

let shownSegments = '';
export function showSegments(node, answer) {
  const text = JSON.stringify(answer.segments);
  if (text === shownSegments) return;
  shownSegments = text;
  node.replaceChildren(...answer.segments.map(card));
}

const WORKERS = 50;
const MOST = 1000;  // that the daemon answers with at once

function ago(seconds) {
  return seconds < 0.001 ? 'now' : `${shown(Math.round(seconds), 'seconds')} ago`;
}

export class Workers {
  #table;
  #history;
  #sparks = new Map();
  #busiest = new Busiest();
  #changed;

  constructor(history, changed) {
    this.#history = history;
    this.#changed = changed;
    const node = (id) => document.getElementById(id);
    this.pager = new Pager(node('workers-pager'), WORKERS, 'workers', changed);
    this.#table = new Table(node('workers'), [
      {key: 'state', title: 'state'}, {key: 'pid', title: 'pid', number: true}, {key: 'command', title: 'command'},
      {key: 'kind', title: 'kind', hint: 'a process’s first slot, or that of one of its threads'},
      {key: 'segment', title: 'segment'}, {key: 'slot', title: 'slot', number: true}, {key: 'since', title: 'since'},
      {key: 'counters', title: 'counters', number: true, hint: 'what counters were increased by, per second'},
      {key: 'observations', title: 'observations', number: true, hint: 'of histograms and summaries, per second'},
      {key: 'dropped', title: 'dropped', number: true, hint: 'updates and series that this process has lost'},
      {key: 'change', title: 'last change', number: true, hint: 'how long ago its counts changed, as seen here'},
      {key: 'trend', title: ''},
    ], {empty: 'no workers yet'});
    for (const id of ['workers-state', 'workers-order']) node(id).addEventListener('change', () => this.#restart());
    node('workers-filter').addEventListener('input', () => this.#restart());
  }

  #restart() {
    this.pager.offset = 0;
    this.#changed();
  }

  // Asks for the workers that are seen, and shows them.
  async look(signal) {
    const value = (id) => document.getElementById(id).value;
    const chosen = {state: value('workers-state'), match: value('workers-filter')};
    const {offset} = this.pager;
    if (value('workers-order') !== 'rate') {
      this.#show(await ask('workers', {...chosen, limit: WORKERS, offset, sort: value('workers-order')}, signal));
      return;
    }
    const totals = await ask('workers', {...chosen, totals: 'true'}, signal);
    const page = this.#busiest.order(totals).slice(offset, offset + WORKERS);
    const places = new Map(page.map((worker, i) => [worker.key, i]));
    const place = (worker) => places.get(keyOf(worker.segment, worker.slot, worker.generation));
    const slots = [...new Set(page.map((worker) => worker.slot))].join(',');
    const {workers} = page.length > 0 ? await ask('workers', {...chosen, slots, limit: MOST}, signal) : {workers: []};
    // Another segment may have slots of these numbers, and a slot another owner by now.
    const seen = workers.filter((worker) => place(worker) !== undefined).sort((a, b) => place(a) - place(b));
    this.#show({...totals, workers: seen});
  }

  #show(answer) {
    this.pager.update(answer.workers.length, answer.total,
                      ` · ${answer.live.toLocaleString('en')} live, ${answer.dead.toLocaleString('en')} dead`);
    const keys = new Set();
    const entries = answer.workers.map((worker) => {
      const key = keyOf(worker.segment, worker.slot, worker.generation);
      keys.add(key).add(`${key} o`);
      const counters = this.#history.add(key, {value: worker.counters}, answer.time);
      const observations = this.#history.add(`${key} o`, {value: worker.observations}, answer.time);
      const changed = Math.max(counters.changed ?? 0, observations.changed ?? 0);
      let spark = this.#sparks.get(key);
      if (!spark) this.#sparks.set(key, spark = new Spark());
      spark.draw(counters.points.map((point, i) => (point ?? 0) + (observations.points[i] ?? 0)));
      return {key, className: worker.state, order: {}, cells: {
        state: worker.state, pid: String(worker.pid), command: worker.command,
        kind: worker.threads > 1 ? `${worker.threads} threads` : worker.kind,
        dropped: worker.dropped ? worker.dropped.toLocaleString('en') : '',
        segment: worker.segment.replace(/.*\//, ''), slot: String(worker.slot), since: worker.claimed,
        counters: rateShown(counters.rate), observations: rateShown(observations.rate),
        change: changed === 0 ? '' : ago(answer.time - changed),
        trend: spark.node,
      }, titles: {segment: worker.segment, pid: `in pid namespace ${worker.pid_namespace}`,
                  counters: String(worker.counters), observations: String(worker.observations)}};
    });
    this.#history.keep(keys);
    for (const key of this.#sparks.keys()) if (!keys.has(key)) this.#sparks.delete(key);
    this.#table.update(entries);
  }
}

// Returns a limit with its unit, with which its name ends.
function limit(name, value) {
  return shown(value, ['bytes', 'seconds'].find((unit) => name.endsWith(`_${unit}`)) ?? '');
}

export function showStatus(table, answer) {
  const row = ([name, value]) => element('tr', {}, element('th', {scope: 'row', textContent: name}),
                                         element('td', {textContent: value === '' ? '–' : value}));
  const group = (title, entries) => element('tbody', {}, element('tr', {className: 'group'}, element(
    'th', {scope: 'rowgroup', colSpan: 2, textContent: title})), ...entries.map(row));
  table.replaceChildren(
    group('build', ['version', 'revision', 'build', 'started'].map((name) => [name, answer[name]])),
    group('limits', Object.entries(answer.limits).map(([name, value]) => [name, limit(name, value)])),
    group('flags', Object.entries(answer.flags)));
}
