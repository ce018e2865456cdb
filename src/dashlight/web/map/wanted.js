/**
 * Which pictures are shown: days, policies, headings; and the day on which their ages are told.
 *
 * @typedef {import('./types.js').Policy} Policy
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./state.js').Shown} Shown
 * @typedef {object} Wanted
 * @property {string | null} from
 * @property {string | null} to
 * @property {string | null} on  ages are those of this day; null for today
 * @property {Policy[] | null} policies  null for all
 * @property {number | null} heading  looking this way, `HALF_VIEW_DEG` to either side; null for every way
 * @typedef {'before' | 'after'} Side
 */

import { isShown } from './days.js';
import { headingDifferenceDeg } from './geo.js';

export const HALF_VIEW_DEG = 45;

/** @type {Wanted} */
export const EVERYTHING = { from: null, to: null, on: null, policies: null, heading: null };

/**
 * Return which pictures one side of the page shows; without a comparison there is only `after`.
 *
 * @param {Shown} shown
 * @param {Side} [side]
 * @returns {Wanted}
 */
export function wantedOf({ from, to, asof, compare, policies, heading }, side = 'after') {
  if (compare && side === 'before') return { from: null, to: compare, on: compare, policies, heading };
  if (compare || asof) return { from: null, to: asof, on: asof, policies, heading };
  return { from, to, on: null, policies, heading };
}

/** Whether more than days is asked for: what only single pictures can tell. @param {Pick<Wanted, 'policies' | 'heading'>} wanted */
export function isNarrowed({ policies, heading }) {
  return policies !== null || heading !== null;
}

/**
 * Whether a picture is among those that are wanted.
 *
 * @param {{day: string, policy: Policy, heading: number}} picture
 * @param {Wanted} wanted
 */
export function isWanted({ day, policy, heading }, wanted) {
  if (!isShown(day, wanted)) return false;
  if (wanted.policies && !wanted.policies.includes(policy)) return false;
  return wanted.heading === null || headingDifferenceDeg(heading, wanted.heading) <= HALF_VIEW_DEG;
}

/** Return how many pictures there were up to a day. @param {[string, number][]} days @param {string | null} day */
export function countUpTo(days, day) {
  return days.reduce((sum, [each, n]) => (isShown(each, { from: null, to: day }) ? sum + n : sum), 0);
}
