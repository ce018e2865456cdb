/**
 * Dates, ages, places and headings in words.
 *
 * @typedef {import('./types.js').Picture} Picture
 */

import { compassDeg } from './geo.js';
import { locale, t } from './text.js';

export const DAY_MS = 86400000;

const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
const shortDayFormat = new Intl.DateTimeFormat(locale, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const monthFormat = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' });
const instantFormat = new Intl.DateTimeFormat(locale, {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const briefFormat = new Intl.DateTimeFormat(locale, {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
});

const olderFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });

/** Return a `YYYY-MM-DD` day as the start of that day in UTC. @param {string} day */
export function dayStart(day) {
  return new Date(`${day}T00:00:00Z`);
}

/** Return the number of the day, counted from 1970-01-01. @param {string} day */
export function dayNumber(day) {
  return Math.floor(dayStart(day).getTime() / DAY_MS);
}

/** Return `YYYY-MM-DD` of a day number. @param {number} number */
export function dayOfNumber(number) {
  return new Date(number * DAY_MS).toISOString().slice(0, 10);
}

/** Return today's day number (UTC). */
export function today() {
  return Math.floor(Date.now() / DAY_MS);
}

/** Return a day in few letters. @param {string} day */
export function shortDay(day) {
  return shortDayFormat.format(dayStart(day));
}

/**
 * Return when a picture was taken, as precisely as its policy lets it be told and no more.
 *
 * @param {{captured: string, captured_precision: string, day: string}} properties
 */
export function captured({ captured: when, captured_precision: precision, day }) {
  if (precision === 'week') return t('weekOf', { day: dayFormat.format(dayStart(day)) });
  if (precision === 'month') return monthFormat.format(dayStart(day));
  return instantFormat.format(new Date(when));
}

/** The same in few letters, for the list. @param {{captured: string, captured_precision: string, day: string}} properties */
export function capturedBriefly({ captured: when, captured_precision: precision, day }) {
  if (precision === 'week') return t('weekOf', { day: shortDay(day) });
  if (precision === 'month') return monthFormat.format(dayStart(day));
  const instant = new Date(when);
  return (instant.getFullYear() === new Date().getFullYear() ? briefFormat : olderFormat).format(instant);
}

/** Return the precision that an event of the live feed leaves unsaid. @param {string} when */
export function precisionOf(when) {
  if (when.includes('T')) return 'instant';
  return when.includes('W') ? 'week' : 'month';
}

/** Return latitude and longitude as people write them. @param {[number, number]} position @param {number} [decimals] */
export function coordinates([lon, lat], decimals = 5) {
  const north = `${Math.abs(lat).toFixed(decimals)}° ${t(lat < 0 ? 'letterSouth' : 'letterNorth')}`;
  const east = `${Math.abs(lon).toFixed(decimals)}° ${t(lon < 0 ? 'letterWest' : 'letterEast')}`;
  return `${north}, ${east}`;
}

const COMPASS = ['north', 'northEast', 'east', 'southEast', 'south', 'southWest', 'west', 'northWest'];

/** Return the compass point of a heading in words. @param {number} heading */
export function compassPoint(heading) {
  return t(COMPASS[Math.round(compassDeg(heading) / 45) % 8]);
}

/** Return what was painted over, or null when nothing was. @param {Picture} picture */
export function redactionsInWords(picture) {
  const counts = new Map();
  for (const { kind } of picture.properties.redactions ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const parts = ['face', 'head', 'plate'].filter((kind) => counts.has(kind));
  if (!parts.length) return null;
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  return list.format(parts.map((kind) => t(`painted_${kind}`, { n: counts.get(kind) })));
}

const LICENCES = /** @type {Record<string, [string, string]>} */ ({
  'CC-BY-SA-4.0': ['CC BY-SA 4.0', 'https://creativecommons.org/licenses/by-sa/4.0/'],
  'CC-BY-4.0': ['CC BY 4.0', 'https://creativecommons.org/licenses/by/4.0/'],
  'CC0-1.0': ['CC0 1.0', 'https://creativecommons.org/publicdomain/zero/1.0/'],
  'ODbL-1.0': ['ODbL 1.0', 'https://opendatacommons.org/licenses/odbl/1-0/'],
});

/** Return the licence's usual name and its text's address, if known. @param {string} spdx @returns {[string, string | null]} */
export function licence(spdx) {
  return LICENCES[spdx] ?? [spdx, null];
}
