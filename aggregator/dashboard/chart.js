// chart.js -- sparklines, and charts by dygraphs where the daemon has it.
import {POINTS} from './history.js';

export const SEEN = 60;  // points of a sparkline
const SVG = 'http://www.w3.org/2000/svg';

function svg(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

// Returns the lines of a path through the last `most` points; a null is a gap.
function lines(points, width, height, low, high, most) {
  const step = width / (most - 1);
  const from = most - points.length;
  const runs = [[]];
  points.forEach((point, i) => {
    if (point === null) {
      runs.push([]);
      return;
    }
    const y = high > low ? height - 1 - (height - 2) * (point - low) / (high - low) : height / 2;
    runs.at(-1).push(`${((from + i) * step).toFixed(1)},${y.toFixed(1)}`);
  });
  return runs.filter((run) => run.length > 0).map((run) => `M${run.join('L')}`).join('');
}

function limits(points) {
  const known = points.filter((point) => point !== null && Number.isFinite(point));
  return [Math.min(0, ...known), Math.max(0, ...known)];
}

// A small line of the last points, for a row of a table.
export class Spark {
  #path = svg('path', {class: 'spark-line'});

  constructor() {
    this.node = svg('svg', {class: 'spark', viewBox: '0 0 120 22', preserveAspectRatio: 'none',
                            'aria-hidden': 'true'});
    this.node.append(this.#path);
  }

  draw(points) {
    const last = points.slice(-SEEN);
    const d = lines(last, 120, 22, ...limits(last), SEEN);
    if (this.#path.getAttribute('d') !== d) this.#path.setAttribute('d', d);
  }
}

// Its legend sets styles in a way that the page's policy forbids, and has no use here.
if (globalThis.Dygraph) {
  const {Dygraph} = globalThis;
  Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);
}

// Returns the text as HTML, which dygraphs takes its labels for: a unit is chosen by strangers.
function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A chart with a title; `shown` spells a value. Each series is a list of points.
export class Chart {
  #node;
  #labels;
  #shown;
  #title;
  #graph = null;
  #paths = [];
  #high;

  constructor(node, title, labels, shown) {
    this.#node = node;
    this.#labels = labels;
    this.#shown = shown;
    this.#title = title;
    node.replaceChildren();
    const caption = document.createElement('p');
    caption.className = 'chart-title';
    caption.append(title, ' ');
    this.#high = document.createElement('span');
    labels.forEach((label, i) => {
      if (labels.length < 2) return;
      const key = document.createElement('span');
      key.className = `key key-${i}`;
      key.textContent = label;
      caption.append(key);
    });
    caption.append(this.#high);
    const area = document.createElement('div');
    area.className = 'chart-area';
    node.append(caption, area);
    if (!globalThis.Dygraph) {
      const picture = svg('svg', {viewBox: '0 0 600 130', preserveAspectRatio: 'none', class: 'chart-svg'});
      this.#paths = labels.map((_, i) => svg('path', {class: `chart-line line-${i}`}));
      picture.append(...this.#paths);
      area.append(picture);
    }
  }

  draw(times, series) {
    const all = series.flat();
    const [low, high] = limits(all);
    this.#node.setAttribute('aria-label', `${this.#title}, from ${this.#shown(low)} to ${this.#shown(high)}`);
    if (this.#paths.length > 0) {
      this.#high.textContent = `up to ${this.#shown(high)}`;
      this.#paths.forEach((path, i) => path.setAttribute('d', lines(series[i], 600, 130, low, high, POINTS)));
      return;
    }
    if (times.length < 2) return;
    const file = times.map((time, i) => [new Date(time * 1e3), ...series.map((points) => points[i])]);
    const options = {
      file, labels: ['time', ...this.#labels], colors: ['--line', '--second'].map(colour), strokeWidth: 1.6,
      includeZero: true, legend: 'never', axisLineColor: colour('--rule'), gridLineColor: colour('--rule'),
      axisLabelFontSize: 11, highlightCircleSize: 3,
      axes: {y: {axisLabelFormatter: (value) => escaped(this.#shown(value)), axisLabelWidth: 72}},
      highlightCallback: (_, x, points) => {
        this.#high.textContent = `${new Date(x).toLocaleTimeString('en-GB')}  ` +
          points.map((point) => this.#shown(point.yval)).join(', ');
      },
      unhighlightCallback: () => { this.#high.textContent = ''; },
    };
    if (this.#graph) {
      this.#graph.updateOptions(options);
    } else {
      const area = this.#node.querySelector('.chart-area');
      this.#graph = new globalThis.Dygraph(area, file, {...options, file: undefined});
    }
  }

  close() {
    this.#graph?.destroy();
    this.#node.replaceChildren();
  }
}
