/**
 * Names of the basemap, and what people type into the search.
 *
 * @typedef {import('./types.js').Place} Place
 * @typedef {{kind: string, name: string, note: string, lon: number, lat: number, zoom: number}} Found
 */

import { distanceM } from './geo.js';
import { coordinates } from './format.js';
import { locale, t } from './text.js';

const COUNTRY_OF_STATES = 'United States of America'; // The basemap divides no other.
const ZOOM_OF_RANK = [3, 4, 5, 6, 7, 8];
const CELL = /^[0-9a-f]{15}$/i;
const NUMBER = '([+-]?\\d{1,3}(?:\\.\\d+)?)';
const PAIR = new RegExp(`^\\s*${NUMBER}\\s*°?\\s*([NS])?\\s*[,;\\s]\\s*${NUMBER}\\s*°?\\s*([EWO])?\\s*$`, 'i');
const LON_FIRST = new RegExp(`^\\s*${NUMBER}\\s*°?\\s*([EWO])\\s*[,;\\s]\\s*${NUMBER}\\s*°?\\s*([NS])\\s*$`, 'i');

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
  const widths = (/** @type {Place} */ { lon, lat, rank }) => distanceM(position, [lon, lat]) / (REACH_OF_RANK_M[rank] ?? 1e4);
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

/** @param {string} text */
function plain(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase(locale);
}

/** @param {number} lon @param {number} lat @param {string} note @param {number} [zoom] @returns {Found[]} */
function position(lon, lat, note, zoom = 16) {
  const sound = Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return sound ? [{ kind: 'position', name: coordinates([lon, lat]), note, lon, lat, zoom }] : [];
}

/** Return the position that coordinates in a text mean: latitude first unless letters say otherwise. @param {string} text */
export function coordinatesIn(text) {
  const swapped = LON_FIRST.exec(text);
  const found = swapped ? [swapped[0], swapped[3], swapped[4], swapped[1], swapped[2]] : PAIR.exec(text);
  if (!found) return [];
  const signed = (/** @type {string} */ number, /** @type {string | undefined} */ letter) =>
    Number(number) * (letter && /[SWO]/i.test(letter) ? -1 : 1);
  return position(signed(found[3], found[4]), signed(found[1], found[2]), t('searchCoordinates'));
}

/**
 * Return the position in a link: of this map, or as Panoramax, OpenStreetMap, Mapillary, KartaView and others write it.
 *
 * @param {string} text
 * @returns {Found[]}
 */
export function positionInLink(text) {
  if (!/^https?:\/\//i.test(text)) return [];
  const url = URL.parse(text);
  if (!url) return [];
  const fields = new URLSearchParams(`${url.search.slice(1)}&${url.hash.replace(/^#\??/, '')}`);
  const note = t('searchLink');
  const slashes = /^(\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)$/.exec(fields.get('at') ?? fields.get('map') ?? '');
  if (slashes) return position(Number(slashes[3]), Number(slashes[2]), note, Number(slashes[1]));
  const [lat, lon] = [fields.get('lat'), fields.get('lng') ?? fields.get('lon')];
  if (lat && lon) return position(Number(lon), Number(lat), note, Number(fields.get('z') ?? 16));
  const sign = /@(-?\d+\.\d+),(-?\d+\.\d+)/.exec(url.pathname);
  return sign ? position(Number(sign[2]), Number(sign[1]), note) : [];
}

/** @param {string} text @returns {Promise<Found[]>} */
async function cellIn(text) {
  if (!CELL.test(text.trim())) return [];
  const h3 = await import('h3-js').catch(() => null);
  const cell = text.trim().toLowerCase();
  if (!h3?.isValidCell(cell)) return [];
  const [lat, lon] = h3.cellToLatLng(cell);
  const resolution = h3.getResolution(cell);
  const zoom = Math.min(19, Math.max(1.5, resolution * 1.38 + 1.5));
  return [{ kind: 'cell', name: cell, note: t('searchCell', { resolution }), lon, lat, zoom }];
}

/** @param {Place[]} all @param {string} text @returns {Found[]} */
export function namesLike(all, text) {
  const wanted = plain(text.trim());
  if (wanted.length < 2) return [];
  const scored = [];
  for (const place of all) {
    const at = plain(place.name).indexOf(wanted);
    const startsWord = at === 0 || (at > 0 && /[\s-]/.test(place.name[at - 1]));
    if (startsWord) scored.push({ place, score: (at === 0 ? 0 : 10) + place.rank });
  }
  scored.sort((a, b) => a.score - b.score);
  return scored.slice(0, 8).map(({ place: { name, kind, rank, lon, lat } }) => {
    return { kind, name, note: t(`kind_${kind}`), lon, lat, zoom: ZOOM_OF_RANK[rank] ?? 6 };
  });
}

/** Return what a text may mean, the surest first. @param {string} text @returns {Promise<Found[]>} */
export async function search(text) {
  const exact = [...coordinatesIn(text), ...positionInLink(text), ...(await cellIn(text))];
  return exact.length ? exact : namesLike((await places()).names, text);
}
