/**
 * What people type into the search, and what it may mean. Nobody else is asked: names are the basemap's.
 *
 * @typedef {import('./types.js').Place} Place
 * @typedef {'country' | 'state' | 'position' | 'cell' | 'picture'} Kind
 * @typedef {{kind: Kind, name: string, note: string, lon: number, lat: number, zoom: number, id?: string}} Found
 * @typedef {{found: Found[], isLink: boolean}} Answer
 */

import { writtenPosition } from './coordinates.js';
import { coordinates } from './format.js';
import { linkIn, pictureId, pictureIn, linkedPosition } from './links.js';
import { places } from './places.js';
import { locale, t } from './text.js';

const ZOOM_OF_RANK = [3, 4, 5, 6, 7, 8];
const MOST_NAMES = 8;
const CELL = /^(?:0x)?0?([0-9a-f]{15})$/i;
const CELL_NUMBER = /^\d{18,19}$/; // As databases write H3 cells.

/** @param {{lon: number, lat: number, zoom: number}} place @param {string} note @returns {Found} */
function position({ lon, lat, zoom }, note) {
  return { kind: 'position', name: coordinates([lon, lat]), note, lon, lat, zoom };
}

/** @param {string} id @returns {Found} */
function picture(id) {
  return { kind: 'picture', name: t('searchPicture'), note: id.slice(0, 8), lon: 0, lat: 0, zoom: 0, id };
}

/** @param {string} text @returns {string | null} */
function cellOf(text) {
  if (CELL_NUMBER.test(text)) return BigInt(text).toString(16);
  return CELL.exec(text)?.[1].toLowerCase() ?? null;
}

/** @param {string} text @returns {Promise<Found[]>} */
async function cellIn(text) {
  const cell = cellOf(text.trim());
  if (!cell) return [];
  const h3 = await import('h3-js').catch(() => null);
  if (!h3?.isValidCell(cell)) return [];
  const [lat, lon] = h3.cellToLatLng(cell);
  const resolution = h3.getResolution(cell);
  const zoom = Math.min(19, Math.max(1.5, resolution * 1.38 + 1.5));
  return [{ kind: 'cell', name: cell, note: t('searchCell', { resolution }), lon, lat, zoom }];
}

/** @param {string} text */
function plain(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('&', 'and').replaceAll('’', "'").toLocaleLowerCase(locale);
}

/** Countries that the basemap names otherwise than browsers do. */
const CODES = /** @type {Record<string, string>} */ ({
  'cabo verde': 'CV',
  congo: 'CG',
  'democratic republic of the congo': 'CD',
  'hong kong': 'HK',
  macao: 'MO',
  myanmar: 'MM',
  palestine: 'PS',
  'saint barthelemy': 'BL',
  'saint helena': 'SH',
  'saint kitts and nevis': 'KN',
  'saint lucia': 'LC',
  'saint martin': 'MF',
  'saint pierre and miquelon': 'PM',
  'saint vincent and the grenadines': 'VC',
  turkey: 'TR',
  'united states of america': 'US',
  vatican: 'VA',
});

/** @type {Map<string, string> | undefined} */
let translations;

/** Return the name of a country in the reader's language, where the browser knows it. @param {string} name */
export function countryName(name) {
  if (!translations) {
    const [english, own] = ['en', locale].map((each) => new Intl.DisplayNames([each], { type: 'region', fallback: 'none' }));
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const codes = letters.flatMap((first) => letters.map((second) => first + second));
    // Two codes may have one name (old ones of the same country); their translations agree too.
    const known = codes.flatMap((code) => (english.of(code) ? [[plain(english.of(code) ?? ''), code]] : []));
    const named = [...known, ...Object.entries(CODES)].map(([each, code]) => /** @type {[string, string]} */ ([each, own.of(code) ?? each]));
    translations = new Map(named);
  }
  // In English the map's own names are as good as the browser's, and are what the map says.
  return locale.startsWith('en') ? name : (translations.get(plain(name)) ?? name);
}

/** Return how well a name fits: 0 for its beginning, 1 for a later word's, null for neither. @param {string} name @param {string} wanted */
function fit(name, wanted) {
  const known = plain(name);
  if (known.startsWith(wanted)) return 0;
  return [' ', '-', "'"].some((gap) => known.includes(gap + wanted)) ? 1 : null;
}

/** Return the places whose name, in English or the reader's language, has a word that begins so. @param {Place[]} all @param {string} text @returns {Found[]} */
export function namesLike(all, text) {
  const wanted = plain(text.trim());
  if (wanted.length < 2) return [];
  const scored = all.flatMap((place) => {
    const own = place.kind === 'country' ? countryName(place.name) : place.name;
    const fits = [own, place.name].map((name) => fit(name, wanted)).filter((each) => each !== null);
    return fits.length ? [{ place, own, score: Math.min(...fits) * 10 + place.rank }] : [];
  });
  scored.sort((a, b) => a.score - b.score);
  return scored.slice(0, MOST_NAMES).map(({ place: { name, kind, rank, lon, lat }, own }) => {
    const note = own === name ? t(`kind_${kind}`) : `${t(`kind_${kind}`)} · ${name}`;
    return { kind: /** @type {Kind} */ (kind), name: own, note, lon, lat, zoom: ZOOM_OF_RANK[rank] ?? 6 };
  });
}

/** @param {URL} url @returns {Found[]} */
function inLink(url) {
  const id = pictureIn(url);
  if (id) return [picture(id)];
  const found = linkedPosition(url);
  return found ? [position(found, t('searchLink'))] : [];
}

/** Return what a text may mean, the surest first. @param {string} text @returns {Promise<Answer>} */
export async function search(text) {
  const url = linkIn(text);
  if (url) return { found: inLink(url), isLink: true };
  const id = pictureId(text);
  if (id) return { found: [picture(id)], isLink: false };
  const written = writtenPosition(text);
  const note = written?.isLonFirst ? 'searchLonFirst' : 'searchCoordinates';
  const exact = [...(written ? [position(written, t(note))] : []), ...(await cellIn(text))];
  return { found: exact.length ? exact : namesLike((await places()).names, text), isLink: false };
}
