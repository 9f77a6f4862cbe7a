// Tables: each sorts by any column, filters by a text, and copies what is shown.

/** What a cell is copied and sorted as: names that were shortened in full, times exactly. */
function cellText(cell) {
  const whole = cell.querySelector('.long, .hash');
  if (whole && whole.title) return whole.title;
  const time = cell.querySelector('time');
  if (time) return time.title;
  return cell.textContent;
}

function sortKey(text, isNumber) {
  if (!isNumber) return text.toLowerCase();
  const number = parseFloat(text.replace(/,/g, ''));
  return Number.isNaN(number) ? -Infinity : number;
}

/** Compares so that equal rows keep their order. */
function inOrder(a, b, down) {
  const order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  return (down ? -order : order) || a.index - b.index;
}

/** A cell that no spreadsheet takes for a formula, on one line. */
function safeCell(text) {
  const line = text.replace(/[\t\r\n]+/g, ' ');
  return /^[=+\-@]/.test(line) ? "'" + line : line;
}

/** Makes a heading a button that sorts; `sort(column, down)` does it. */
function sortHeading(heading, column, sort) {
  const press = button(heading.textContent, () => {
    const down = heading.getAttribute('aria-sort') === 'ascending';
    for (const other of heading.parentNode.children) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    sort(column, down);
  });
  heading.textContent = '';
  heading.append(press);
}

function filterBox(act) {
  const box = make('input', { type: 'search', placeholder: words.filter, 'aria-label': words.filter, spellcheck: 'false' });
  box.addEventListener('input', () => act(box.value.trim().toLowerCase()));
  return box;
}

function enhanceTable(table) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row, index) => ({ row, index, text: row.textContent.toLowerCase() }));
  if (rows.length < 2) return;
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => sortHeading(heading, column, (at, down) => {
    const isNumber = rows.every(({ row }) => row.cells[at].classList.contains('n'));
    for (const one of rows) one.key = sortKey(cellText(one.row.cells[at]), isNumber);
    body.append(...[...rows].sort((a, b) => inOrder(a, b, down)).map((one) => one.row));
  }));
  const count = make('span', { class: 'dim count' });
  const tell = () => {
    const shown = rows.filter(({ row }) => !row.hidden).length;
    count.textContent = shown === rows.length ? rows.length + ' ' + words.rows : shown + ' ' + words.of + ' ' + rows.length + ' ' + words.rows;
  };
  const tools = make('div', { class: 'tools' });
  if (rows.length > 5) {
    tools.append(filterBox((wanted) => {
      for (const { row, text } of rows) row.hidden = !text.includes(wanted);
      tell();
    }));
  }
  tools.append(count, button(words.copy, () => {
    const shown = [...body.rows].filter((row) => !row.hidden);
    const lines = shown.map((row) => [...row.cells].map((cell) => safeCell(cellText(cell))).join('\t'));
    copyText([headings.map((heading) => heading.textContent).join('\t'), ...lines].join('\n'));
  }));
  table.parentNode.before(tools);
  tell();
}

/** The list of findings: a text and severities choose. */
function enhanceFindings(tools) {
  const list = document.getElementById(tools.dataset.filter);
  const findings = [...list.querySelectorAll('details.finding')].map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const severities = ['critical', 'high', 'medium', 'low', 'info'].filter((one) => findings.some(({ element }) => element.dataset.severity === one));
  const chosen = new Set(severities);
  let wanted = '';
  const count = make('span', { class: 'dim count' });
  const apply = () => {
    for (const { element, text } of findings) element.hidden = !chosen.has(element.dataset.severity) || !text.includes(wanted);
    const shown = findings.filter(({ element }) => !element.hidden).length;
    count.textContent = shown + ' ' + words.of + ' ' + findings.length;
  };
  tools.append(filterBox((text) => {
    wanted = text;
    // What is found is shown, also among those that are only noted.
    for (const rest of list.querySelectorAll('details.rest')) rest.open = text !== '';
    apply();
  }));
  for (const severity of severities) {
    const chip = button(words[severity], () => {
      if (chosen.has(severity)) chosen.delete(severity); else chosen.add(severity);
      chip.setAttribute('aria-pressed', String(chosen.has(severity)));
      apply();
    });
    chip.className = 'chip ' + severity;
    chip.setAttribute('aria-pressed', 'true');
    tools.append(chip);
  }
  tools.append(count);
  apply();
}

/** Events of the sample, shown by the hundred: only what is looked at is in the page. */
function buildEvents(view) {
  const place = document.getElementById('events-table');
  if (!data.lanes.events.length) return;
  const lanes = data.lanes.lanes;
  const events = data.lanes.events.map(([time, lane, action, record, says], index) => {
    const of = lane === null ? null : lanes[lane];
    const cells = [time, of ? of.host + ' ' + of.format : '', action, record, says];
    return { index, time, cells, text: cells.slice(1).join(' ').toLowerCase() };
  });
  const page = 100;
  let wanted = '', most = page, sorted = events, onlyView = false;
  const body = make('tbody');
  const head = make('tr', {}, ...['time', 'lane', 'action', 'place', 'says'].map((name) => make('th', { scope: 'col' }, words[name])));
  const table = make('table', { id: 'events-rows' }, make('thead', {}, head), body);
  const count = make('span', { class: 'dim count' });
  const more = button(words.more, () => {
    most += 10 * page;
    render();
  });
  const shown = () => sorted.filter((event) => event.text.includes(wanted)
    && (!onlyView || (event.time !== null && event.time >= view.from && event.time <= view.to)));
  const timeOf = (event) => (event.time === null ? words.undated : timeText(event.time));
  const render = () => {
    const found = shown();
    body.replaceChildren(...found.slice(0, most).map((event) => make('tr', {},
      make('td', { class: 't' }, timeOf(event)), make('td', {}, event.cells[1]), make('td', { class: 'word' }, event.cells[2]),
      make('td', { class: 'mono place' }, event.cells[3]), make('td', { class: 'mono' }, event.cells[4]))));
    count.textContent = Math.min(most, found.length) + ' ' + words.of + ' ' + found.length + ' ' + words.rows;
    more.hidden = found.length <= most;
  };
  [...head.cells].forEach((heading, column) => sortHeading(heading, column, (at, down) => {
    for (const event of events) event.key = at === 0 ? (event.time === null ? Infinity : event.time) : event.cells[at].toLowerCase();
    sorted = [...events].sort((a, b) => inOrder(a, b, down));
    render();
  }));
  const only = make('input', { type: 'checkbox', id: 'only-view' });
  only.addEventListener('change', () => {
    onlyView = only.checked;
    render();
  });
  const tools = make('div', { class: 'tools' }, filterBox((text) => {
    wanted = text;
    most = page;
    render();
  }), ...(view ? [make('label', {}, only, ' ' + words.in_view)] : []), count, button(words.copy, () => {
    const lines = shown().map((event) => [timeOf(event), ...event.cells.slice(1)].map(safeCell).join('\t'));
    copyText(lines.join('\n'));
  }));
  place.append(tools, make('div', { class: 'wide' }, table), more);
  onZone.push(render);
  if (view) view.onChange.push(() => onlyView && render());
  render();
}
