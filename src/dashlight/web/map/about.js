/** Chooses the language of "About this map" and fills in what the instance says of itself. */

import * as api from './api.js';
import { dayStart, licence } from './format.js';
import { locale } from './text.js';

const LANGUAGES = ['en', 'es'];

/** @param {string} selector @returns {HTMLElement[]} */
const all = (selector) => [...document.querySelectorAll(/** @type {'a'} */ (selector))];

/** Return the language of a fragment: its own name or that of a heading inside an article. */
function ofFragment() {
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  return /** @type {HTMLElement | null} */ (target?.closest('article'))?.lang;
}

function chosen() {
  const wishes = [ofFragment() ?? '', new URLSearchParams(location.search).get('lang') ?? '', ...navigator.languages];
  return wishes.map((wish) => wish.slice(0, 2)).find((wish) => LANGUAGES.includes(wish)) ?? 'en';
}

function showLanguage() {
  const language = chosen();
  document.documentElement.lang = language;
  for (const article of all('article')) article.hidden = article.lang !== language;
  for (const link of all('[data-language]')) {
    link.setAttribute('aria-current', link.dataset.language === language ? 'true' : 'false');
  }
  document.title = document.querySelector('article:not([hidden]) h1')?.textContent ?? document.title;
}

async function showFacts() {
  const facts = await api.instance();
  const [licenceName, licenceHref] = licence(facts.license);
  for (const place of all('[data-fact]')) {
    const own = place.closest('article')?.lang ?? document.documentElement.lang;
    const language = locale.startsWith(own) ? locale : own; // 'en-GB' for a reader who wishes it.
    const name = place.dataset.fact ?? '';
    const value = /** @type {any} */ (facts)[name];
    if (name === 'license') {
      place.textContent = licenceName;
      if (licenceHref) place.setAttribute('href', licenceHref);
    } else if (name.endsWith('_day')) {
      const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });
      place.textContent = value ? format.format(dayStart(value)) : '';
    } else place.textContent = typeof value === 'number' ? value.toLocaleString(language) : String(value);
  }
  for (const part of all('[data-fact-if]')) part.hidden = !(/** @type {any} */ (facts)[part.dataset.factIf ?? '']);
  for (const line of all('[data-facts]')) line.hidden = false;
}

showLanguage();
addEventListener('hashchange', showLanguage);
showFacts().catch(() => {
  // The page says everything without the figures.
});
