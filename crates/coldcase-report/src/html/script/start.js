// Puts the parts together, and the keys that work everywhere.

/** Opens what a link leads into, so that it can be seen. */
function openTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let one = target; one; one = one.parentElement) {
    if (one.tagName === 'DETAILS') one.open = true;
    if (one.hidden) one.hidden = false;
  }
  target.scrollIntoView({ block: target.tagName === 'TR' ? 'center' : 'start' });
}

function stepFinding(by) {
  const findings = [...document.querySelectorAll('details.finding')]
    .filter((one) => !one.hidden && !one.closest('details.rest:not([open])'));
  const at = findings.findIndex((one) => one.contains(document.activeElement));
  const next = findings[at < 0 ? (by > 0 ? 0 : findings.length - 1) : at + by];
  if (!next) return;
  next.querySelector('summary').focus();
  next.scrollIntoView({ block: 'nearest' });
}

function onKey(event) {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === 'Escape') {
    document.getElementById('help').hidden = true;
    if (isTyping) event.target.blur();
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {
    '/': () => document.querySelector('#findings input[type=search], #events input[type=search]').focus(),
    j: () => stepFinding(1),
    k: () => stepFinding(-1),
    z: switchZone,
    t: switchTheme,
    '?': toggleHelp,
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
}

/** Commands of the answers are copied one by one; where none stands apart, the whole line is. */
function copyCommands() {
  const addCopy = (after, text) => {
    const press = button(words.copy, () => copyText(text));
    press.className = 'copy';
    after(press);
  };
  for (const line of document.querySelectorAll('.part.next li')) {
    const codes = line.querySelectorAll('code');
    for (const code of codes) addCopy((press) => code.after(press), code.textContent);
    if (!codes.length) addCopy((press) => line.append(' ', press), line.textContent);
  }
}

buildBar();
for (const table of document.querySelectorAll('table.sortable')) enhanceTable(table);
for (const tools of document.querySelectorAll('[data-filter]')) enhanceFindings(tools);
copyCommands();
const view = data.lanes.from === null ? null : buildView();
buildEvents(view);
if (view && document.getElementById('lanes')) buildLanes(view);
window.addEventListener('hashchange', openTarget);
window.addEventListener('keydown', onKey);
window.addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details.answer, details.finding[data-severity=high], details.finding[data-severity=critical]')) details.open = true;
});
openTarget();
root.dataset.ready = 'yes';
