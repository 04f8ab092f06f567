// dashboard.js -- polls /api/v1 and shows what it answers: only what is seen is asked for, and
// nothing while the page is hidden or paused.
import {Pager, Table, element, setText} from './table.js';
import {Workers, showSegments, showStatus} from './panes.js';
import {ask, reading, together} from './answers.js';
import {rateShown, shown, unitOf} from './numbers.js';
import {Details} from './details.js';
import {History} from './history.js';
import {SEEN, Spark} from './chart.js';

const FAMILIES = 200;
const node = (id) => document.getElementById(id);
const families = new History();
const rows = new Map();  // by family: the nodes of its row
let timer = 0;
let asking = null;  // an AbortController, while an answer is awaited
let paused = false;
let seesWorkers = true;
let lastFamilies = null;

const pager = new Pager(node('families-pager'), FAMILIES, 'families', soon);
const workers = new Workers(new History(), soon);
const details = new Details(soon);
const table = new Table(node('families'), [
  {key: 'name', title: 'family', sort: true}, {key: 'type', title: 'type', sort: true},
  {key: 'series', title: 'series', number: true, sort: true},
  {key: 'value', title: 'value', number: true, sort: true, hint: 'all series added up; of a histogram, observations'},
  {key: 'rate', title: 'per second', number: true, sort: true},
  {key: 'p50', title: 'p50', number: true, sort: true, hint: 'of what was observed since the last look'},
  {key: 'p99', title: 'p99', number: true, sort: true, hint: 'of what was observed since the last look'},
  {key: 'trend', title: `last ${SEEN} looks`},
], {sort: {key: 'rate', descending: true}, empty: 'no families'});
table.onsort = () => lastFamilies && showFamilies(lastFamilies);

const isGauge = (family) => !['counter', 'histogram', 'summary'].includes(family.type);

function nodesOf(family) {
  let nodes = rows.get(family.name);
  if (!nodes) {
    const button = element('button', {type: 'button', className: 'link', textContent: family.name});
    const help = element('span', {className: 'help'});
    nodes = {name: element('div', {className: 'name'}, button, help), help, button, spark: new Spark(), family};
    button.addEventListener('click', () => {
      details.open(nodes.family, button);
      const entry = families.get(nodes.family.name);
      if (entry) details.draw(nodes.family, entry);
    });
    rows.set(family.name, nodes);
  }
  nodes.family = family;
  setText(nodes.help, family.help);
  nodes.help.title = family.help;
  return nodes;
}

function showFamilies(answer) {
  lastFamilies = answer;
  pager.update(answer.families.length, answer.total);
  const keys = new Set();
  const entries = answer.families.map((family) => {
    keys.add(family.name);
    const read = together(family.sums.map((sum) => reading(family, sum))) ?? {};
    const entry = families.add(family.name, read, answer.time, isGauge(family));
    const nodes = nodesOf(family);
    nodes.spark.draw(entry.points);
    if (details.family === family.name) details.draw(family, entry);
    const unit = unitOf(family);
    const of = read.value === undefined ? '' : unit;
    const value = read.value ?? read.count;
    return {key: family.name, className: details.family === family.name ? 'chosen' : '',
      order: {name: family.name, type: family.type, series: family.series_count, value, rate: entry.calm,
              p50: entry.p50, p99: entry.p99},
      cells: {name: nodes.name, type: family.type, series: family.series_count.toLocaleString('en'),
              value: shown(value, of), rate: rateShown(entry.rate, of),
              p50: shown(entry.p50, unit), p99: shown(entry.p99, unit),
              trend: nodes.spark.node},
      titles: {value: read.text}};
  });
  for (const name of rows.keys()) if (!keys.has(name)) rows.delete(name);
  families.keep(keys);
  table.update(entries);
}

async function look(signal) {
  showSegments(node('segments'), await ask('segments', {}, signal));
  showFamilies(await ask('families', {limit: FAMILIES, offset: pager.offset, match: node('filter').value,
                                      own: String(node('own').checked)}, signal));
  if (details.family) {
    try {
      details.show(await ask('families', details.parameters(), signal));
    } catch (error) {
      if (!error.message.startsWith('400')) throw error;
      details.show({family: {name: details.family}, series: [], total: 0});  // it is gone
    }
  }
  if (seesWorkers) await workers.look(signal);
}

async function tick() {
  clearTimeout(timer);
  asking?.abort();
  const mine = asking = new AbortController();
  node('live').setAttribute('aria-busy', 'true');
  try {
    await look(mine.signal);
    setText(node('state'), `${paused ? 'paused' : 'live'}, ${new Date().toLocaleTimeString('en-GB')}`);
    node('state').className = 'good';
    document.documentElement.dataset.looks = String(Number(document.documentElement.dataset.looks ?? 0) + 1);
  } catch (error) {
    if (mine !== asking || error.name === 'AbortError') return;
    setText(node('state'), `no answer (${error.message}); trying again`);
    node('state').className = 'bad';
  }
  if (mine !== asking) return;
  asking = null;
  node('live').setAttribute('aria-busy', 'false');
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(tick, Number(node('interval').value));
}

// Looks at once, also when paused: the user has asked for something else. The look under way ends:
// it would plan the next one for later.
function soon() {
  asking?.abort();
  asking = null;
  clearTimeout(timer);
  timer = setTimeout(tick, 50);
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  node('theme').value = theme;
}

node('pause').addEventListener('click', () => {
  paused = !paused;
  node('pause').setAttribute('aria-pressed', String(paused));
  setText(node('pause'), paused ? 'Go on' : 'Pause');
  if (paused) {
    setText(node('state'), 'paused');
    plan();
  } else {
    soon();
  }
});
node('interval').addEventListener('change', plan);
node('theme').addEventListener('change', (event) => {
  setTheme(event.target.value);
  localStorage.setItem('theme', event.target.value);
});
for (const id of ['filter', 'own']) {
  node(id).addEventListener('input', () => {
    pager.offset = 0;
    soon();
  });
}
node('daemon').addEventListener('toggle', async () => {
  if (!node('daemon').open) return;
  try {
    showStatus(node('status'), await ask('status'));
  } catch (error) {
    setText(node('status'), error.message);
  }
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) clearTimeout(timer);
  else soon();
});
new IntersectionObserver((seen) => {
  const before = seesWorkers;
  seesWorkers = seen.at(-1).isIntersecting;
  if (seesWorkers && !before) soon();
}, {rootMargin: '200px'}).observe(node('workers-section'));

setTheme(localStorage.getItem('theme') ?? '');
node('plain').hidden = true;
node('plain').replaceChildren();
node('live').hidden = node('controls').hidden = false;
tick();
