/**
 * Words in the reader's language, from one catalogue a page.
 *
 * @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Entry
 * @typedef {Record<string, Entry>} Catalogue
 */

import { catalogues } from '../strings/map.js';

/** Return the language to use: `?lang=` first, then the browser's wishes. */
function chosenLanguage() {
  const wishes = [new URLSearchParams(location.search).get('lang') ?? '', ...navigator.languages];
  const known = wishes.map((wish) => wish.slice(0, 2).toLowerCase()).find((wish) => wish in catalogues);
  return known ?? 'en';
}

export const language = chosenLanguage();

/** The locale for numbers and dates: the reader's own, if it is of the chosen language. */
export const locale = navigator.languages.find((each) => each.toLowerCase().startsWith(language)) ?? language;

const words = /** @type {Record<string, Catalogue>} */ (catalogues)[language];
const plurals = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale);

/**
 * Return the words of a key, with `{name}` replaced; the value `n` chooses the plural.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const entry = words[key];
  if (entry === undefined) throw new RangeError(`no words for ${key}`);
  const form = typeof entry === 'string' ? entry : (entry[plurals.select(Number(values.n))] ?? entry.other ?? '');
  return form.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? numbers.format(value) : String(value ?? '');
  });
}

/** Whether there are words for a key. @param {string} key */
export function has(key) {
  return key in words;
}
