/**
 * Days as the server writes them, `YYYY-MM-DD`, and as the tiles number them, from 1970-01-01; all in UTC.
 *
 * @typedef {import('./types.js').Dates} Dates
 */

const DAY_MS = 86400000;

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

/** Whether a day is among those that are shown. @param {string} day @param {Dates} dates */
export function isShown(day, { from, to }) {
  return !(from && day < from) && !(to && day > to);
}
