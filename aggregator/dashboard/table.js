// table.js -- tables whose rows stay while their cells change, so that the focus stays, too. All
// that is shown goes through textContent: labels, help and commands are chosen by strangers.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Columns are {key, title, number, hint, sort: true if rows can be ordered by it}. A row's cells are
// texts, or nodes that stay the same from one update to the next.
export class Table {
  #rows = new Map();
  #body = element('tbody');
  #columns;
  #headings = new Map();
  #empty;

  constructor(table, columns, {sort = null, empty = 'none'} = {}) {
    this.#columns = columns;
    this.#empty = empty;
    this.sort = sort;
    const heading = element('tr');
    for (const column of columns) {
      const cell = element('th', {scope: 'col', className: column.number ? 'number' : ''});
      if (column.hint) cell.title = column.hint;
      if (column.sort) {
        const button = element('button', {type: 'button', textContent: column.title});
        button.addEventListener('click', () => this.#sortBy(column));
        cell.append(button);
      } else {
        cell.textContent = column.title;
      }
      this.#headings.set(column.key, cell);
      heading.append(cell);
    }
    table.replaceChildren(element('thead', {}, heading), this.#body);
    this.#mark();
  }

  #sortBy(column) {
    const same = this.sort?.key === column.key;
    this.sort = {key: column.key, descending: same ? !this.sort.descending : Boolean(column.number)};
    this.#mark();
    this.onsort?.();
  }

  #mark() {
    for (const [key, cell] of this.#headings) {
      if (key === this.sort?.key) cell.setAttribute('aria-sort', this.sort.descending ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    }
  }

  // Shows the entries, {key, cells, order, className}; `order` has a value for each column by which
  // rows can be ordered.
  update(entries) {
    const {sort} = this;
    if (sort) {
      const sign = sort.descending ? -1 : 1;
      const missing = (value) => value === undefined || value === null || Number.isNaN(value);
      entries.sort((a, b) => {
        const [x, y] = [a.order[sort.key], b.order[sort.key]];
        if (missing(x) || missing(y)) return missing(x) - missing(y);
        return sign * (x < y ? -1 : x > y ? 1 : 0);
      });
    }
    const rows = new Map();
    for (const entry of entries) {
      const row = this.#rows.get(entry.key) ?? element('tr', {}, ...this.#columns.map(
        (column) => element('td', {className: column.number ? 'number' : ''})));
      row.className = entry.className ?? '';
      this.#columns.forEach((column, i) => {
        const cell = row.cells[i];
        const value = entry.cells[column.key] ?? '';
        if (value instanceof Node) {
          if (cell.firstChild !== value) cell.replaceChildren(value);
        } else {
          setText(cell, String(value));
        }
        cell.title = entry.titles?.[column.key] ?? '';
      });
      rows.set(entry.key, row);
    }
    for (const [key, row] of this.#rows) if (!rows.has(key)) row.remove();
    this.#rows = rows;
    // Rows move only if they have to: one that is moved loses the focus.
    const focused = document.activeElement;
    let at = this.#body.firstChild;
    for (const row of rows.values()) {
      if (row === at) at = at.nextSibling;
      else this.#body.insertBefore(row, at);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    if (focused !== document.activeElement && this.#body.contains(focused)) focused.focus({preventScroll: true});
    if (rows.size === 0) {
      this.#body.append(element('tr', {className: 'empty'},
                                element('td', {colSpan: this.#columns.length, textContent: this.#empty})));
    }
  }
}

// Shows which part of a list is seen, with buttons that lead to the rest.
export class Pager {
  offset = 0;
  #text = element('span');
  #back = element('button', {type: 'button', textContent: '‹'});
  #on = element('button', {type: 'button', textContent: '›'});

  constructor(node, limit, what, changed) {
    this.limit = limit;
    this.#back.setAttribute('aria-label', `previous ${what}`);
    this.#on.setAttribute('aria-label', `next ${what}`);
    this.#back.addEventListener('click', () => this.#move(-limit, changed));
    this.#on.addEventListener('click', () => this.#move(limit, changed));
    node.replaceChildren(this.#text, this.#back, this.#on);
    this.what = what;
    this.update(0, 0);
  }

  #move(by, changed) {
    this.offset = Math.max(0, this.offset + by);
    changed();
  }

  update(count, total, more = '') {
    const all = count === total;
    const from = count === 0 ? 0 : this.offset + 1;
    setText(this.#text, (all ? `${total.toLocaleString('en')} ${this.what}`
      : `${from.toLocaleString('en')}–${(this.offset + count).toLocaleString('en')} of ${total.toLocaleString('en')}`) +
      more);
    this.#back.hidden = this.#on.hidden = all && this.offset === 0;
    this.#back.disabled = this.offset === 0;
    this.#on.disabled = this.offset + count >= total;
  }
}
