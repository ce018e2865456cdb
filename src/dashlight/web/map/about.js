/**
 * Chooses the language of "About this map" and fills in what the instance says of itself.
 *
 * @typedef {import('./types.js').Instance} Instance
 */

import * as api from './api.js';
import { dayStart } from './days.js';
import { licence } from './format.js';
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

/** Return the locale for an article: 'en-GB' for a reader who wishes it. @param {string} language */
const localeOf = (language) => (locale.startsWith(language) ? locale : language);

/** Return the first and the last day in words; one when they are the same. @param {Instance} facts @param {string} language */
function daysInWords({ oldest_day: oldest, newest_day: newest }, language) {
  if (!oldest || !newest) return '';
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });
  return format.formatRange(dayStart(oldest), dayStart(newest));
}

/** Return where a contact leads, or null when it is neither an address of the web nor of mail. @param {string} contact */
function contactHref(contact) {
  if (/^https?:\/\/\S+$/.test(contact)) return contact;
  return /^[^\s@:/?#]+@[^\s@:/?#]+$/.test(contact) ? `mailto:${contact}` : null;
}

/**
 * Write what the instance says of itself into one place.
 *
 * @param {HTMLElement} place
 * @param {Instance} facts
 */
function fill(place, facts) {
  const language = localeOf(place.closest('article')?.lang ?? document.documentElement.lang);
  const link = (/** @type {string} */ words, /** @type {string | null} */ href) => {
    place.textContent = words;
    if (href) place.setAttribute('href', href);
  };
  const { fact, one, other } = place.dataset;
  if (fact === 'license') link(...licence(facts.license));
  else if (fact === 'contact') link(facts.contact, contactHref(facts.contact));
  else if (fact === 'days') place.textContent = daysInWords(facts, language);
  else if (fact === 'pictures') {
    const isOne = new Intl.PluralRules(language).select(facts.pictures) === 'one';
    place.textContent = `${facts.pictures.toLocaleString(language)} ${isOne ? one : other}`;
  } else place.textContent = facts.name;
}

async function showFacts() {
  const facts = await api.instance();
  for (const place of all('[data-fact]')) fill(place, facts);
  const holds = new Set(Object.entries(facts).flatMap(([name, value]) => (value ? [name] : [])));
  if (!facts.pictures) holds.add('empty');
  for (const part of all('[data-if]')) part.hidden = !holds.has(part.dataset.if ?? '');
}

showLanguage();
addEventListener('hashchange', showLanguage);
showFacts().catch(() => {
  // The page says everything without the figures.
});
