"""What is wrong with how an open page is laid out: words broken in two, parts beyond the edge, holes."""

from chromium import Page

COMMON = """
const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.closest('.sr') && e.getClientRects().length;
const name = e => (e.tagName + '.' + (e.className || '') + ' ' + e.textContent.trim().slice(0, 40)).toLowerCase();
const leaf = e => e.matches('svg, input, textarea, button') ||
  [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
const found = [];
"""

# A name may break behind a sign that joins words and before a capital within it, a text at its blanks.
BROKEN = """
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; node = walker.nextNode();) {
  if (!shown(node.parentElement) || node.parentElement.closest('svg')) continue;
  let at = 0;
  for (const word of node.data.split(/(?<=[\\s_.\\/\\-,:;])|(?<=[a-z0-9])(?=[A-Z])/)) {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + word.trimEnd().length);
    at += word.length;
    if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) found.push(word);
  }
}
"""

BEYOND = """
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth > width) found.push('the page');
for (const e of document.querySelectorAll('body *')) {
  if (!shown(e) || e.closest('.label, svg')) continue;
  const at = e.getBoundingClientRect(), scrolls = ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
  if (at.right > width + 1 || at.left < -1) found.push(name(e));
  if (scrolls && !e.matches('textarea') && e.scrollWidth > e.clientWidth + 1) found.push(name(e) + ' scrolls');
}
"""

# A box whose content leaves a part of its width empty, a band of the page without anything, a line without text.
GAPS = """
for (const box of document.querySelectorAll('section, form, article, details[open]')) {
  const inside = [...box.querySelectorAll('*')].filter(e => leaf(e) && shown(e)).map(e => e.getBoundingClientRect());
  if (!shown(box) || !inside.length) continue;
  const room = box.clientWidth - 2 * parseFloat(getComputedStyle(box).paddingLeft);
  const taken = Math.max(...inside.map(r => r.right)) - Math.min(...inside.map(r => r.left));
  if (taken < .8 * room) found.push(name(box) + ': ' + Math.round(100 * taken / room) + ' % of its width');
}
let bottom = 0;
const all = [...document.querySelectorAll('body *')].filter(e => leaf(e) && shown(e));
for (const r of all.map(e => e.getBoundingClientRect()).sort((a, b) => a.top - b.top)) {
  if (r.top - bottom > 110) found.push('nothing from ' + Math.round(bottom) + ' to ' + Math.round(r.top));
  bottom = Math.max(bottom, r.bottom);
}
const blank = e => /\\n\\s*\\n|^\\n|\\n$/.test(e.innerText);
found.push(...[...document.querySelectorAll('output')].filter(blank).map(name));
"""

NOTHING: dict[str, list[str]] = {"broken": [], "beyond": [], "gaps": []}


def layout_problems(page: Page) -> dict[str, list[str]]:
    """What a person would see at a glance; empty lists where there is nothing."""
    scripts = {"broken": BROKEN, "beyond": BEYOND, "gaps": GAPS}
    return {what: page.evaluate(f"(() => {{{COMMON}{script}return found}})()") for what, script in scripts.items()}
