// What must hold of any report: a list of what does not. Run in the page by the browser test.
(() => {
  const wrong = [];
  const all = (what) => [...document.querySelectorAll(what)];
  const expect = (holds, what) => holds || wrong.push(what);
  expect(document.documentElement.dataset.ready === 'yes', 'the script came to its end');
  expect(typeof window.owned === 'undefined', 'evidence ran as a script');
  const running = all('script').filter((one) => one.type !== 'application/json');
  expect(running.length === 1, running.length + ' scripts');
  expect(!all('img, iframe, object, embed, form, base, link, video, audio').length, 'foreign elements');
  const handlers = all('*').filter((one) => [...one.attributes].some((name) => /^on/i.test(name.name)));
  expect(!handlers.length, 'event handlers in attributes: ' + handlers.length);
  const links = all('a').filter((one) => !(one.getAttribute('href') || '').startsWith('#'));
  expect(!links.length, 'links that leave the page: ' + links.length);
  const dangling = all('a[href^="#"]').map((one) => one.getAttribute('href').slice(1)).filter((id) => !document.getElementById(id));
  expect(!dangling.length, 'links to nothing: ' + dangling.slice(0, 3));
  const ids = all('[id]').map((one) => one.id);
  expect(new Set(ids).size === ids.length, 'ids that stand twice');
  expect(!/[\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u0000-\u0008\u001b]/.test(document.documentElement.textContent), 'direction or control marks');
  const inside = (one) => { for (let at = one; at; at = at.parentElement) if (['auto', 'hidden', 'scroll'].includes(getComputedStyle(at).overflowX)) return true; return false; };
  const outside = all('body *').filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1 && !inside(one)).map((one) => one.tagName + '.' + one.className + ': ' + one.textContent.slice(0, 30));
  expect(!outside.length, 'outside of the screen: ' + outside.slice(0, 4).join(' | '));
  expect(document.documentElement.scrollWidth <= window.innerWidth + 1, 'the page is wider than the screen: ' + document.documentElement.scrollWidth);
  // Drawings: no text leaves its picture, none lies upon another, no number is broken.
  for (const svg of all('.draw svg, svg.lanes')) {
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((text) => ({ text, at: text.getBoundingClientRect() })).filter(({ at }) => at.width > 0);
    const name = svg.getAttribute('aria-label') || svg.getAttribute('class');
    for (const { text, at } of texts) {
      if (at.left < box.left - 2 || at.right > box.right + 2 || at.bottom > box.bottom + 2) wrong.push(name + ': a text leaves the picture: ' + text.textContent.slice(0, 60));
    }
    texts.forEach((one, index) => {
      for (const other of texts.slice(index + 1)) {
        const across = Math.min(one.at.right, other.at.right) - Math.max(one.at.left, other.at.left);
        const down = Math.min(one.at.bottom, other.at.bottom) - Math.max(one.at.top, other.at.top);
        if (across > 3 && down > 5) wrong.push(name + ': texts lie upon each other: ' + one.text.textContent.slice(0, 40) + ' / ' + other.text.textContent.slice(0, 40));
      }
    });
    if (/NaN|Infinity|undefined/.test(svg.outerHTML)) wrong.push(name + ': a broken number');
  }
  return wrong.slice(0, 12);
})()
