/**
 * Dates, ages, places and headings in words.
 *
 * @typedef {import('./types.js').PictureProperties} PictureProperties
 * @typedef {Pick<PictureProperties, 'captured' | 'captured_precision' | 'day'>} Capture
 */

import { dayStart } from './days.js';
import { compassDeg } from './geo.js';
import { locale, t } from './text.js';

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

/** Return a day in few letters. @param {string} day */
export function shortDay(day) {
  return shortDayFormat.format(dayStart(day));
}

/** Return when a picture was taken, as precisely as its policy lets it be told and no more. @param {Capture} properties */
export function captured({ captured: when, captured_precision: precision, day }) {
  if (precision === 'week') return t('weekOf', { day: dayFormat.format(dayStart(day)) });
  if (precision === 'month') return monthFormat.format(dayStart(day));
  return instantFormat.format(new Date(when));
}

/** The same in few letters, for the list. @param {Capture} properties */
export function capturedBriefly({ captured: when, captured_precision: precision, day }) {
  if (precision === 'week') return t('weekOf', { day: shortDay(day) });
  if (precision === 'month') return monthFormat.format(dayStart(day));
  const instant = new Date(when);
  return (instant.getFullYear() === new Date().getFullYear() ? briefFormat : olderFormat).format(instant);
}

/**
 * Return the precision that an event of the live feed leaves unsaid.
 *
 * @param {string} when
 * @returns {PictureProperties['captured_precision']}
 */
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

/**
 * Return what was painted over, or null when nothing was.
 *
 * @param {PictureProperties['redactions'] | undefined} redactions
 */
export function redactionsInWords(redactions) {
  const counts = new Map();
  for (const { kind } of redactions ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1);
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
