// The page's own script, read as one with tables.js, lanes.js and start.js. It sets texts, never markup, and reaches
// nothing outside of the page.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const words = data.words;
const root = document.documentElement;

/** An element with attributes and children; texts stay texts. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** The same in a drawing; `title` is what a pointer at rest shows. */
function shape(tag, attributes, title) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (title) {
    const said = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    said.textContent = title;
    element.append(said);
  }
  return element;
}

function button(label, act, title) {
  const element = make('button', { type: 'button', title: title }, label);
  element.addEventListener('click', act);
  return element;
}

// Times: seconds since 1970; the zone's offsets come with the data, since a page knows no zones of its own.

function isUtc() {
  return root.dataset.zone === 'utc';
}

function offsetAt(seconds) {
  if (isUtc()) return 0;
  let offset = data.lanes.offsets[0][1];
  for (const [from, value] of data.lanes.offsets) if (from <= seconds) offset = value;
  return offset;
}

function offsetText(offset) {
  if (isUtc()) return 'Z';
  const minutes = Math.abs(offset) / 60;
  const two = (number) => String(Math.floor(number)).padStart(2, '0');
  return ' ' + (offset < 0 ? '-' : '+') + two(minutes / 60) + ':' + two(minutes % 60);
}

/** `2023-03-29 00:00:05 +08:00`, with milliseconds where there are any. */
function timeText(seconds) {
  const offset = offsetAt(seconds);
  const iso = new Date(Math.round((seconds + offset) * 1000)).toISOString();
  const fraction = iso.slice(19, 23) === '.000' ? '' : iso.slice(19, 23);
  return iso.slice(0, 10) + ' ' + iso.slice(11, 19) + fraction + offsetText(offset);
}

/** `1.5 h`, for spans. */
function spanText(seconds) {
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const unit = units.find(([size]) => seconds >= size) || [0.001, 'ms'];
  const value = seconds / unit[0];
  return (value >= 10 ? Math.round(value) : Math.round(value * 10) / 10) + ' ' + unit[1];
}

const onZone = [];

function switchZone() {
  if (!data.zone) return;
  root.dataset.zone = isUtc() ? 'local' : 'utc';
  for (const element of document.querySelectorAll('[data-zone-button]')) element.textContent = zoneLabel();
  for (const redraw of onZone) redraw();
}

function zoneLabel() {
  return words.zone + ': ' + (isUtc() ? 'UTC' : data.zone);
}

function switchTheme() {
  const isDark = root.dataset.theme
    ? root.dataset.theme === 'dark'
    : window.matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
}

function say(text) {
  document.getElementById('said').textContent = text;
}

/** Puts a text where the next paste takes it from. */
function copyText(text) {
  const area = make('textarea', { class: 'away', 'aria-hidden': 'true', readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done && navigator.clipboard) navigator.clipboard.writeText(text).catch(() => {});
  say(words.copied);
}

function buildBar() {
  const controls = document.querySelector('.controls');
  if (data.zone) {
    const zone = button(zoneLabel(), switchZone, 'z');
    zone.dataset.zoneButton = '';
    controls.append(zone);
  }
  controls.append(button(words.theme, switchTheme, 't'), button(words.help, toggleHelp, '?'));
  document.body.append(
    make('div', { id: 'said', role: 'status', 'aria-live': 'polite', class: 'away' }),
    make('div', { id: 'help', role: 'dialog', 'aria-label': words.help, hidden: true }, words.help_text),
  );
}

function toggleHelp() {
  const help = document.getElementById('help');
  help.hidden = !help.hidden;
}
