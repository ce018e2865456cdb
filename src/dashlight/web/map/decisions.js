/**
 * Writes into "About this map" what was reported and decided: `/v1/moderation`, by month.
 *
 * @typedef {{ issue: string, decision: string, count: number }} Count
 * @typedef {{ month: string, refused_uploads: number, pictures: Count[] }} Month
 * @typedef {{ months: Month[], waiting: { pictures: number, days: number | null }, statements: { month: string, sentence: string }[] }} Figures
 */

import { moderation } from './api.js';
import { languages } from '../strings/decisions.js';

const COLUMNS = { reported: ['reported'], shown: ['restore', 'dismiss'], hidden: ['keep'], erased: ['erase'] };
const MOST_MONTHS = 12;
const MOST_STATEMENTS = 10;

/**
 * Return an element with text or elements in it.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} name
 * @param {(string | Node)[]} children
 * @param {Record<string, string>} attributes
 */
function element(name, children, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** @param {{ one: string, other: string }} words @param {number} n @param {string} language */
function counted(words, n, language) {
  const isOne = new Intl.PluralRules(language).select(n) === 'one';
  return (isOne ? words.one : words.other).replace('{n}', n.toLocaleString(language));
}

/** @param {string} month @param {string} language */
function inWords(month, language) {
  const format = new Intl.DateTimeFormat(language, { year: 'numeric', month: 'long', timeZone: 'UTC' });
  return format.format(new Date(`${month}-01T00:00:00Z`));
}

/** @param {Month[]} months @param {'en' | 'es'} language */
function table(months, language) {
  const t = languages[language];
  const names = /** @type {(keyof typeof COLUMNS)[]} */ (Object.keys(COLUMNS));
  const labels = [...names.map((name) => t[name]), t.uploads];
  const head = [t.month, ...labels].map((text) => element('th', [text], { scope: 'col' }));
  const rows = months.slice(0, MOST_MONTHS).map(({ month, pictures, refused_uploads: uploads }) => {
    const sums = names.map((name) =>
      pictures.reduce((sum, { decision, count }) => sum + (COLUMNS[name].includes(decision) ? count : 0), 0),
    );
    const cells = [...sums, uploads].map((sum, at) =>
      element('td', [sum.toLocaleString(language)], { 'data-label': labels[at] }),
    );
    return element('tr', [element('th', [inWords(month, language)], { scope: 'row' }), ...cells]);
  });
  const caption = element('caption', [t.caption], { class: 'only-read' });
  return element('table', [caption, element('thead', [element('tr', head)]), element('tbody', rows)]);
}

/** @param {Figures} figures @param {'en' | 'es'} language */
function parts(figures, language) {
  const t = languages[language];
  const { pictures, days } = figures.waiting;
  const waiting = [counted(t.waiting, pictures, language)];
  if (days) waiting.push(counted(t.oldest, days, language));
  /** @type {HTMLElement[]} */
  const made = figures.months.length
    ? [
        element('div', [table(figures.months, language)], {
          class: 'decisions',
          tabindex: '0',
          role: 'region',
          'aria-label': t.caption,
        }),
      ]
    : [element('p', [t.none])];
  if (pictures) made.push(element('p', [`${waiting.join('; ')}.`]));
  if (figures.statements.length) {
    const items = figures.statements
      .slice(0, MOST_STATEMENTS)
      .map(({ month, sentence }) => element('li', [element('q', [sentence]), ` (${inWords(month, language)})`]));
    made.push(element('p', [t.said]), element('ul', items));
  }
  return made;
}

async function show() {
  const figures = /** @type {Figures} */ (await moderation());
  for (const place of document.querySelectorAll('[data-decisions]')) {
    const language = place.closest('article')?.lang === 'es' ? 'es' : 'en';
    place.replaceChildren(...parts(figures, language));
  }
}

show().catch(() => {
  // The page says everything without the figures.
});
