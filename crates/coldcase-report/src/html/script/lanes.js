// The timeline by host and format: drawn for the width at hand, zoomed by dragging, by buttons and by keys.

const lane = { height: 20, mark: 15, axis: 34, strip: 44 };

/** Room for names left of the lanes. */
function nameWidth(width) {
  return Math.round(Math.min(320, Math.max(110, width * 0.27)));
}

/** What of the whole time is shown. */
function buildView() {
  const all = data.lanes;
  const view = { from: all.from, to: all.to, onChange: [] };
  view.least = 0.01;
  view.set = (from, to) => {
    const middle = (from + to) / 2, half = Math.max((to - from) / 2, view.least / 2);
    const margin = (all.to - all.from) * 0.01 + 1;
    view.from = Math.max(all.from - margin, Math.min(middle - half, all.to));
    view.to = Math.min(all.to + margin, Math.max(middle + half, all.from));
    if (view.to - view.from < view.least) view.to = view.from + view.least;
    for (const redraw of view.onChange) redraw();
  };
  view.zoom = (by, at) => {
    const middle = at === undefined ? (view.from + view.to) / 2 : at;
    view.set(middle - (middle - view.from) * by, middle + (view.to - middle) * by);
  };
  view.move = (by) => view.set(view.from + (view.to - view.from) * by, view.to + (view.to - view.from) * by);
  view.everything = () => view.set(all.from, all.to);
  view.focus = () => {
    if (!all.focus) return view.everything();
    const margin = Math.max((all.focus[1] - all.focus[0]) * 0.08, 30);
    view.set(all.focus[0] - margin, all.focus[1] + margin);
  };
  return view;
}

const steps = [0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 7862400, 31449600];

/** Round times of the zone, as `[time, label, date where it changes]`. */
function ticks(from, to, most) {
  const step = steps.find((size) => (to - from) / size <= most) || (to - from) / most;
  const offset = offsetAt(from);
  const found = [];
  let date = '';
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to && found.length < 50; at += step) {
    const text = timeText(at);
    const clock = step >= 60 ? text.slice(11, 16) : step >= 1 ? text.slice(11, 19) : text.slice(11, 22);
    const day = text.slice(0, 10);
    found.push(step >= 86400 ? [at, day, ''] : [at, clock, day === date ? '' : day]);
    date = day;
  }
  return found;
}

/** Steps of time with their counts, the finest that were counted for what is shown. */
function counted(one, view) {
  const all = data.lanes;
  const margin = all.focus ? (all.focus[1] - all.focus[0]) / 10 : 0;
  const isFine = one.fine && all.fine < one.step && view.from >= all.focus[0] - margin && view.to <= all.focus[1] + margin;
  return isFine ? { list: one.fine, step: all.fine } : { list: one.whole, step: one.step };
}

function drawDensity(into, one, view, x, y, right) {
  const { list, step } = counted(one, view);
  const columns = new Map();
  for (const [from, count] of list) {
    if (from + step < view.from || from > view.to) continue;
    const left = Math.max(x(Math.max(from, view.from)), 0);
    const key = Math.floor(left / 3);
    const column = columns.get(key) || { left, right: left, count: 0, from, to: from + step };
    column.count += count;
    column.to = from + step;
    column.right = Math.max(column.right, Math.min(x(from + step), right));
    columns.set(key, column);
  }
  const most = Math.max(1, ...[...columns.values()].map((column) => column.count));
  for (const column of columns.values()) {
    const shade = 0.25 + 0.75 * Math.log(1 + column.count) / Math.log(1 + most);
    const width = Math.max(2, column.right - column.left);
    into.append(shape('rect', { class: 'density', x: column.left, y: y + 5, width, height: lane.height - 8, 'fill-opacity': shade.toFixed(2) },
      column.count + ' ' + words.events_a_step + '\n' + timeText(column.from) + ' – ' + timeText(column.to)));
  }
}

function drawSpans(into, one, view, x, y) {
  const clip = (from, to) => [x(Math.max(from, view.from)), x(Math.min(to, view.to))];
  for (const [kind, list] of [['covered', one.spans], ['gap', one.gaps]]) {
    for (const [from, to] of list) {
      if (to < view.from || from > view.to) continue;
      const [left, right] = clip(from, to);
      into.append(shape('rect', { class: kind, x: left, y: y + 2, width: Math.max(1, right - left), height: lane.height - 2 },
        kind === 'gap' ? words.gap + '\n' + timeText(from) + ' – ' + timeText(to) : ''));
    }
  }
  for (const [at, count] of one.snapshots) {
    if (at < view.from || at > view.to) continue;
    const left = x(at), middle = y + lane.height / 2 + 1;
    into.append(shape('path', { class: 'snapshot', d: 'M' + (left - 4) + ' ' + middle + 'l4 -5l4 5l-4 5Z' },
      words.snapshot + ' ' + timeText(at) + ': ' + count));
  }
}

/** One row a finding: its span, and its name beside. */
function drawFindings(into, found, view, x, left, top) {
  found.forEach(([id, severity, from, to, said], row) => {
    // Times within a title follow the zone's switch.
    const title = said.replace(/\d{4}-\d\d-\d\dT[\d:]{8}(\.\d+)?Z/g, (at) => {
      const moment = Date.parse(at);
      return Number.isFinite(moment) ? timeText(moment / 1000) : at;
    });
    const y = top + row * lane.mark;
    const link = shape('a', { href: '#' + id });
    const name = shape('text', { class: 'lane-name', x: 0, y: y + 11 }, title);
    name.prepend(title);
    link.append(name);
    const start = x(Math.max(Math.min(from, view.to), view.from)), end = x(Math.min(Math.max(to, view.from), view.to));
    const isOutside = to < view.from || from > view.to;
    if (!isOutside) {
      link.append(shape('rect', { class: 'mark ' + severity, x: start, y: y + 3, width: Math.max(3, end - start), height: 8, rx: 2 },
        words[severity] + ': ' + title + '\n' + timeText(from) + ' – ' + timeText(to)));
    }
    into.append(link);
  });
}

/** Cuts a name to its room, once it is drawn and can be measured. */
function fit(name, room) {
  const text = name.firstChild;
  const length = name.getComputedTextLength();
  if (length <= room || !length) return;
  const letters = [...text.data];
  for (let keep = Math.floor(letters.length * room / length); keep > 0; keep -= 1) {
    text.data = letters.slice(0, keep).join('') + '…';
    if (name.getComputedTextLength() <= room) return;
  }
}

function drawAxis(into, view, x, left, right, top, bottom) {
  for (const [at, label, day] of ticks(view.from, view.to, Math.max(2, (right - left) / 110))) {
    const place = x(at);
    into.append(shape('path', { class: 'grid', d: 'M' + place + ' ' + top + 'V' + bottom }));
    const anchor = place > right - 40 ? 'end' : place < left + 30 ? 'start' : 'middle';
    for (const [text, y] of [[label, bottom + 13], [day, bottom + 26]]) {
      if (!text) continue;
      const element = shape('text', { class: 'tick', x: place, y, 'text-anchor': anchor });
      element.textContent = text;
      into.append(element);
    }
  }
}

/** Everything for the width at hand. */
function drawLanes(place, view) {
  const all = data.lanes;
  const width = Math.max(320, place.clientWidth);
  const left = nameWidth(width), right = width - 6;
  const x = (at) => left + (at - view.from) / (view.to - view.from) * (right - left);
  const found = all.findings.slice(0, 14);
  const top = found.length * lane.mark + (found.length ? 6 : 0);
  const bottom = top + all.lanes.length * lane.height;
  const height = bottom + lane.axis;
  const svg = shape('svg', { viewBox: '0 0 ' + width + ' ' + height, class: 'lanes', width, height });
  drawAxis(svg, view, x, left, right, 0, bottom);
  drawFindings(svg, found, view, x, left, 0);
  all.lanes.forEach((one, index) => {
    const y = top + index * lane.height;
    const full = (one.host || '–') + ' ' + one.format;
    const undated = one.undated ? '\n' + one.undated + ' ' + words.undated_more : '';
    const name = shape('text', { class: 'lane-name', x: 0, y: y + 14 }, full + ': ' + one.count + ' ' + words.events_a_step + undated);
    name.prepend(full);
    svg.append(name, shape('path', { class: 'grid', d: 'M0 ' + (y + lane.height) + 'H' + right }));
    drawSpans(svg, one, view, x, y);
    drawDensity(svg, one, view, x, y, right);
    if (!one.count && one.undated) {
      const said = shape('text', { class: 'tick', x: left + 4, y: y + 14 });
      said.textContent = one.undated + ' ' + words.undated_more;
      svg.append(said);
    }
  });
  for (const [at, id, index, where] of all.records) {
    if (at < view.from || at > view.to || where === null) continue;
    const link = shape('a', { href: '#' + id + '-r' + index });
    link.append(shape('path', { class: 'record', d: 'M' + x(at).toFixed(1) + ' ' + (top + where * lane.height + 2) + 'v' + (lane.height - 2) }, timeText(at)));
    svg.append(link);
  }
  place.replaceChildren(svg);
  for (const name of svg.querySelectorAll('.lane-name')) fit(name, left - 8);
  dragToZoom(svg, view, (pixel) => view.from + (pixel - left) / (right - left) * (view.to - view.from), left, bottom);
}

function dragToZoom(svg, view, timeAt, left, bottom) {
  let start = null, band = null;
  const at = (event) => Math.max(left, event.clientX - svg.getBoundingClientRect().left);
  svg.addEventListener('pointerdown', (event) => {
    if (event.button || at(event) <= left) return;
    start = at(event);
    band = shape('rect', { class: 'band', x: start, y: 0, width: 0, height: bottom });
  });
  svg.addEventListener('pointermove', (event) => {
    if (start === null) return;
    if (!band.parentNode && Math.abs(at(event) - start) > 4) {
      svg.append(band);
      svg.setPointerCapture(event.pointerId);
    }
    band.setAttribute('x', Math.min(start, at(event)));
    band.setAttribute('width', Math.abs(at(event) - start));
  });
  const end = (event) => {
    if (start === null) return;
    const [from, to] = [start, at(event)].sort((a, b) => a - b);
    start = null;
    if (to - from > 4) view.set(timeAt(from), timeAt(to));
  };
  svg.addEventListener('pointerup', end);
  svg.addEventListener('pointercancel', () => { start = null; });
  svg.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    view.zoom(event.deltaY < 0 ? 0.7 : 1.4, timeAt(at(event)));
  }, { passive: false });
}

/** The whole time in a strip, with what is shown as a window to drag. */
function drawStrip(place, view) {
  const all = data.lanes;
  const width = Math.max(320, place.clientWidth), left = nameWidth(width), right = width - 6;
  const x = (at) => left + (at - all.from) / (all.to - all.from || 1) * (right - left);
  const svg = shape('svg', { viewBox: '0 0 ' + width + ' ' + lane.strip, class: 'strip', width, height: lane.strip });
  const whole = { from: all.from, to: all.to };
  for (const one of all.lanes) drawDensity(svg, { whole: one.whole, step: one.step }, whole, x, -4, right);
  for (const [, severity, from, to] of all.findings.slice(0, 14)) {
    svg.append(shape('rect', { class: 'mark ' + severity, x: x(from), y: 16, width: Math.max(2, x(to) - x(from)), height: 3 }));
  }
  drawAxis(svg, whole, x, left, right, 0, 20);
  const start = x(Math.max(view.from, all.from)), end = x(Math.min(view.to, all.to));
  svg.append(shape('rect', { class: 'band window', x: start, y: 0, width: Math.max(3, end - start), height: 20 }));
  const label = shape('text', { class: 'tick', x: 0, y: 14 });
  label.textContent = words.everything;
  svg.append(label);
  svg.addEventListener('pointerdown', (event) => {
    const follow = (moved) => {
      const pixel = moved.clientX - svg.getBoundingClientRect().left;
      const middle = all.from + (pixel - left) / (right - left) * (all.to - all.from), half = (view.to - view.from) / 2;
      view.set(middle - half, middle + half);
    };
    const stop = () => {
      window.removeEventListener('pointermove', follow);
      window.removeEventListener('pointerup', stop);
    };
    window.addEventListener('pointermove', follow);
    window.addEventListener('pointerup', stop);
    follow(event);
  });
  place.replaceChildren(svg);
}

function buildLanes(view) {
  const place = document.getElementById('lanes');
  const main = make('div', { class: 'lanes-main', tabindex: '0', role: 'application', 'aria-label': words.zoom_label });
  const strip = make('div', { class: 'lanes-strip' });
  const shown = make('span', { class: 'dim count', id: 'shown' });
  const tools = make('div', { class: 'tools' },
    button('+', () => view.zoom(0.5), words.zoom_in), button('−', () => view.zoom(2), words.zoom_out),
    button(words.focus, () => view.focus(), '0'), button(words.everything, () => view.everything(), 'a'), shown);
  place.append(tools, main, strip);
  const redraw = () => {
    drawLanes(main, view);
    drawStrip(strip, view);
    shown.textContent = timeText(view.from).replace(/\.\d+/, '') + ' – ' + timeText(view.to).replace(/\.\d+/, '') + ' · ' + spanText(view.to - view.from);
  };
  view.onChange.push(redraw);
  onZone.push(redraw);
  window.addEventListener('resize', redraw);
  main.addEventListener('keydown', (event) => {
    const keys = { ArrowLeft: () => view.move(-0.2), ArrowRight: () => view.move(0.2), '+': () => view.zoom(0.5), '=': () => view.zoom(0.5), '-': () => view.zoom(2), 0: () => view.focus(), a: () => view.everything() };
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  view.focus();
}
