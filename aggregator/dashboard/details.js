// details.js -- one family: its help, charts of its rate and quantiles, and its series.
import {Chart, Spark} from './chart.js';
import {Pager, Table, element, setText} from './table.js';
import {History} from './history.js';
import {rateShown, shown, unitOf} from './numbers.js';
import {number, reading, spelled} from './answers.js';

const SERIES = 25;

// Returns an exemplar as a text. It is only ever shown as text.
function exemplarText(exemplar, unit) {
  return `${spelled(exemplar.labels)}: ${shown(number(exemplar.value), unit)}`;
}

function newest(exemplars) {
  return exemplars.reduce((a, b) => Number(b.timestamp) > Number(a.timestamp) ? b : a);
}

export class Details {
  #node = (id) => document.getElementById(id);
  #table;
  #history = new History();
  #sparks = new Map();
  #charts = [];
  #opener = null;
  #changed;
  family = null;  // its name, while it is shown

  constructor(changed) {
    this.#changed = changed;
    this.pager = new Pager(this.#node('series-pager'), SERIES, 'series', changed);
    this.#table = new Table(this.#node('series'), [
      {key: 'labels', title: 'labels'}, {key: 'value', title: 'value', number: true},
      {key: 'rate', title: 'per second', number: true}, {key: 'p50', title: 'p50', number: true},
      {key: 'p99', title: 'p99', number: true}, {key: 'mean', title: 'mean', number: true, hint: 'since it was made'},
      {key: 'exemplar', title: 'newest exemplar', hint: 'of each bucket, when the cell is pointed at'},
      {key: 'trend', title: ''}], {empty: 'no series'});
    this.#node('family-close').addEventListener('click', () => this.close());
    this.#node('family').addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
    for (const id of ['series-order', 'series-filter']) {
      this.#node(id).addEventListener('input', () => {
        this.pager.offset = 0;
        changed();
      });
    }
  }

  open(family, opener) {
    if (this.family !== family.name) {
      this.#charts.forEach((chart) => chart.close());
      this.#charts = [];
      this.#history = new History();
      this.#sparks.clear();
      this.pager.offset = 0;
      this.#node('series-filter').value = '';
      this.#table.update([]);
    }
    this.family = family.name;
    this.#opener = opener;
    const unit = unitOf(family);
    setText(this.#node('family-title'), family.name);
    setText(this.#node('family-help'), family.help || 'no help');
    setText(this.#node('family-facts'), [family.type, unit && `in ${unit}`].filter(Boolean).join(', '));
    this.#node('family').hidden = false;
    this.#node('family-title').focus();
    this.#node('family').scrollIntoView({block: 'nearest'});
    this.#changed();
  }

  close() {
    this.family = null;
    this.#node('family').hidden = true;
    this.#opener?.focus();
  }

  parameters() {
    return {family: this.family, limit: SERIES, offset: this.pager.offset, match: this.#node('series-filter').value,
            sort: this.#node('series-order').value};
  }

  // Draws the family as a whole, from its entry in the history of all families.
  draw(family, entry) {
    const unit = unitOf(family);
    const isGauge = family.type !== 'counter' && family.type !== 'histogram' && family.type !== 'summary';
    const chart = this.#node('chart');
    if (this.#charts.length === 0) {
      const areas = [element('div', {role: 'img'})];
      this.#charts.push(isGauge ? new Chart(areas[0], 'value', ['value'], (v) => shown(v, unit))
        : new Chart(areas[0], family.type === 'counter' ? 'per second' : 'observations per second', ['rate'],
                    (v) => rateShown(v, family.type === 'counter' ? unit : '')));
      if (family.type === 'histogram') {
        areas.push(element('div', {role: 'img'}));
        this.#charts.push(new Chart(areas[1], 'of what was observed', ['p50', 'p99'], (v) => shown(v, unit)));
      }
      chart.replaceChildren(...areas);
    }
    this.#charts[0].draw(entry.times, [entry.points]);
    this.#charts[1]?.draw(entry.times, [entry.quantiles.map((q) => q[0]), entry.quantiles.map((q) => q[1])]);
  }

  show(answer) {
    const {family} = answer;
    if (family.name !== this.family) return;  // another one was opened meanwhile
    const unit = unitOf(family);
    const isGauge = family.type !== 'counter' && family.type !== 'histogram' && family.type !== 'summary';
    this.pager.update(answer.series.length, answer.total);
    const keys = new Set();
    this.#table.update(answer.series.map((series) => {
      const key = JSON.stringify(series.labels);
      keys.add(key);
      const read = reading(family, series);
      const entry = this.#history.add(key, read, answer.time, isGauge);
      let spark = this.#sparks.get(key);
      if (!spark) this.#sparks.set(key, spark = new Spark());
      spark.draw(entry.points);
      const of = read.value === undefined ? '' : unit;  // observations have none
      const exemplars = series.exemplars ?? [];
      return {key, order: {}, cells: {
        labels: spelled(series.labels) || 'no labels', value: shown(read.value ?? read.count, of),
        rate: rateShown(entry.rate, of), p50: shown(entry.p50, unit), p99: shown(entry.p99, unit),
        mean: read.count > 0 ? shown(read.sum / read.count, unit) : '', trend: spark.node,
        exemplar: exemplars.length > 0 ? exemplarText(newest(exemplars), unit) : '',
      }, titles: {value: read.text, exemplar: exemplars.map(
        (e) => `${exemplarText(e, unit)}, ${shown(Number(e.timestamp), 'timestamp')}`).join('\n')}};
    }));
    const hasAny = answer.series.some((series) => series.exemplars);
    this.#node('series').classList.toggle('no-exemplars', !hasAny);
    this.#history.keep(keys);
    for (const key of this.#sparks.keys()) if (!keys.has(key)) this.#sparks.delete(key);
  }
}
