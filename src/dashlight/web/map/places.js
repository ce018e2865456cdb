/**
 * Names of the basemap, and which of them a position is in or near.
 *
 * @typedef {import('./types.js').Place} Place
 */

import { distanceM } from './geo.js';

const COUNTRY_OF_STATES = 'United States of America'; // The basemap divides no other.
const BASEMAP = '/assets/vendor/basemap';
const MOST_CANDIDATES = 8;

/**
 * The basemap's names, and the lines between countries and between states.
 *
 * @typedef {[number, number][]} Line
 * @typedef {{names: Place[], borders: Line[], states: Line[]}} Gazetteer
 */

/** @type {Gazetteer} */
export const NO_PLACES = { names: [], borders: [], states: [] };

/** @type {Promise<Gazetteer> | undefined} */
let loading;

/** @param {string} name @returns {Promise<any[]>} */
async function features(name) {
  const reply = await fetch(`${BASEMAP}/${name}.geojson`);
  return reply.ok ? (await reply.json()).features : [];
}

/** @returns {Promise<Gazetteer>} */
async function loaded() {
  const [labels, borders, states] = await Promise.all(['labels', 'borders', 'states'].map(features));
  const names = labels.map(({ properties, geometry: { coordinates } }) => {
    return { ...properties, lon: coordinates[0], lat: coordinates[1] };
  });
  const lines = (/** @type {any[]} */ all) => all.flatMap(({ geometry }) => geometry.coordinates);
  return { names, borders: lines(borders), states: lines(states) };
}

/** Return the places of the basemap; none when they cannot be had. @returns {Promise<Gazetteer>} */
export function places() {
  loading ??= loaded().catch(() => {
    loading = undefined;
    return NO_PLACES;
  });
  return loading;
}

/** About half the width in metres of a country or state of each rank; a large one is near over a longer way. */
const REACH_OF_RANK_M = [1.2e6, 6e5, 3.2e5, 1.6e5, 6e4, 1.5e4];

/** Whether the way from `a` to `b` crosses one of the lines. @param {Line[]} lines @param {[number, number]} a @param {[number, number]} b */
function crosses(lines, a, b) {
  const side = (/** @type {number[]} */ p, /** @type {number[]} */ q, /** @type {number[]} */ r) =>
    Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return lines.some((line) => {
    for (let at = 1; at < line.length; at += 1) {
      const [p, q] = [line[at - 1], line[at]];
      if (side(a, b, p) !== side(a, b, q) && side(p, q, a) !== side(p, q, b)) return true;
    }
    return false;
  });
}

/**
 * Return the place that a position is most likely in or near, or null. The basemap has one point a name and no areas:
 * the nearest, in widths of the country or state, to which no border is in the way.
 *
 * @param {Place[]} names
 * @param {Line[]} borders
 * @param {[number, number]} position
 * @returns {Place | null}
 */
function likelyPlace(names, borders, position) {
  const widths = (/** @type {Place} */ { lon, lat, rank }) => distanceM(position, [lon, lat]) / REACH_OF_RANK_M[Math.min(rank, REACH_OF_RANK_M.length - 1)];
  const near = names
    .map((place) => ({ place, widths: widths(place) }))
    .sort((a, b) => a.widths - b.widths)
    .slice(0, MOST_CANDIDATES)
    .map(({ place }) => place);
  return near.find(({ lon, lat }) => !crosses(borders, position, [lon, lat])) ?? near[0] ?? null;
}

/** @type {Map<string, string | null>} */
const known = new Map();

/**
 * Return the name of the country that a position is most likely in or near, after its state where there are states.
 *
 * @param {Gazetteer} gazetteer
 * @param {[number, number]} position
 * @returns {string | null}
 */
export function nearestName({ names, borders, states }, position) {
  if (!names.length) return null;
  const key = position.map((each) => each.toFixed(2)).join();
  const before = known.get(key);
  if (before !== undefined) return before;
  const country = likelyPlace(names.filter(({ kind }) => kind === 'country'), borders, position);
  const isDivided = country?.name === COUNTRY_OF_STATES;
  const state = isDivided ? likelyPlace(names.filter(({ kind }) => kind === 'state'), states, position) : null;
  const name = state ? `${state.name}, ${country?.name}` : (country?.name ?? null);
  known.set(key, name);
  return name;
}
