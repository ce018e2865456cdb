/**
 * What is in view as a file: asked for page by page as any other program would, with licence and attribution inside.
 *
 * @typedef {import('./types.js').Bounds} Bounds
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./wanted.js').Wanted} Wanted
 * @typedef {{name: string, origin: string, wanted: Wanted, bounds: Bounds, isCut: boolean, at: Date}} Source
 * @typedef {'geojson' | 'csv'} Format
 */

import * as api from './api.js';
import { licence } from './format.js';
import { bboxParameter } from './geo.js';

export const MOST_PICTURES = 10000; // About 8 MB of GeoJSON; who wants more asks the API.
const PAGE_PICTURES = 500;
const MOST_WAITS = 5; // For a server that says when to come again.
const LONGEST_WAIT_S = 60;
const MOST_PAGES = 200; // A page may be short, or empty, and still have a next one.

export const MEDIA_TYPES = { geojson: 'application/geo+json', csv: 'text/csv;charset=utf-8' };

/** Wait, or end as the signal says. @param {number} seconds @param {AbortSignal} signal */
function waited(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/**
 * Ask for a page, and again when a busy server says when.
 *
 * @param {() => ReturnType<typeof api.pictures>} ask
 * @param {AbortSignal} signal
 */
async function patiently(ask, signal) {
  for (let wait = 0; ; wait += 1) {
    try {
      return await ask();
    } catch (error) {
      const seconds = error instanceof api.Refused ? error.retryAfterS : null;
      if (!seconds || seconds > LONGEST_WAIT_S || wait === MOST_WAITS) throw error;
      await waited(seconds, signal);
    }
  }
}

/**
 * Return the pictures, newest first, at most `MOST_PICTURES`.
 *
 * @param {Bounds} bounds
 * @param {Wanted} wanted
 * @param {{signal: AbortSignal, onProgress: (n: number) => void, most?: number}} options
 * @returns {Promise<{pictures: Picture[], isCut: boolean}>} `isCut` when there are more
 */
export async function collected(bounds, wanted, { signal, onProgress, most = MOST_PICTURES }) {
  /** @type {Map<string, Picture>} */
  const found = new Map(); // A picture that moves to another page while we ask is there once.
  /** @type {string | null} */
  let cursor = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const limit = Math.min(PAGE_PICTURES, most - found.size);
    const asked = { limit, cursor, signal };
    const { features, next } = await patiently(() => api.pictures(bounds, wanted, asked), signal);
    for (const picture of features) found.set(picture.id, picture);
    onProgress(found.size);
    if (!next) return { pictures: [...found.values()], isCut: false };
    if (found.size >= most) break;
    cursor = next;
  }
  return { pictures: [...found.values()], isCut: true };
}

/** Return whom to name, and under which licence, for one picture. @param {Picture} picture @param {Source} source */
export function credit({ id, properties }, { name, origin }) {
  const [licenceName] = licence(properties.license);
  const who = properties.attribution ? `${properties.attribution}, ${name}` : name;
  return `${who} (${origin}/p/${id}), ${licenceName}`;
}

/** Return what the file says of itself. @param {Picture[]} pictures @param {Source} source */
function told(pictures, source) {
  const { from, to, policies, heading } = source.wanted;
  const licences = [...new Set(pictures.map(({ properties }) => properties.license))].sort();
  const names = [...new Set(pictures.flatMap(({ properties }) => properties.attribution || []))].sort();
  return {
    source: source.name,
    source_url: `${source.origin}/`,
    license: licences,
    license_url: licences.map((each) => licence(each)[1] ?? `https://spdx.org/licenses/${each}.html`),
    attribution: [...names, source.name].join(', '),
    attribution_note: 'Name each picture as its `credit` says.',
    retrieved_at: source.at.toISOString(),
    asked_for: { bbox: bboxParameter(source.bounds).split(',').map(Number), from, to, policies, heading },
    is_complete: !source.isCut,
  };
}

/** @param {Picture} picture @param {Source} source */
function linksOf(picture, source) {
  const absolute = (/** @type {string} */ href) => new URL(href, source.origin).href;
  return {
    page: `${source.origin}/p/${picture.id}`,
    picture: absolute(api.pictureHref(picture)),
    thumbnail: absolute(api.thumbnailHref(picture)),
  };
}

/** @param {Picture[]} pictures @param {Source} source */
export function asGeoJson(pictures, source) {
  const features = pictures.map((picture) => ({
    type: 'Feature',
    id: picture.id,
    geometry: picture.geometry,
    properties: { ...picture.properties, ...linksOf(picture, source), credit: credit(picture, source) },
  }));
  return JSON.stringify({ type: 'FeatureCollection', ...told(pictures, source), features });
}

/** Return a value as a field of RFC 4180; one that a spreadsheet would take for a formula is made text. @param {unknown} value */
export function csvField(value) {
  const isNumber = typeof value === 'number';
  const text = String(value ?? '');
  const safe = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {Picture[]} pictures @param {Source} source */
export function asCsv(pictures, source) {
  const rows = pictures.map((picture) => {
    const { properties: of } = picture;
    const { page, picture: jpeg } = linksOf(picture, source);
    const [lon, lat] = picture.geometry.coordinates;
    return {
      id: picture.id,
      lon,
      lat,
      captured: of.captured,
      captured_precision: of.captured_precision,
      day: of.day,
      heading_deg: of['view:azimuth'],
      accuracy_m: of.accuracy_m,
      policy: of.policy,
      sequence: of.sequence,
      license: of.license,
      attribution: of.attribution,
      credit: credit(picture, source),
      page,
      picture: jpeg,
    };
  });
  const names =
    'id,lon,lat,captured,captured_precision,day,heading_deg,accuracy_m,policy,sequence,license,attribution,credit,page,picture';
  const lines = rows.map((row) => Object.values(row).map(csvField).join(','));
  return `${[names, ...lines].join('\r\n')}\r\n`;
}

/** Return the name of the file: of the day, and of nothing that tells where. @param {Format} format @param {Date} at */
export function fileName(format, at) {
  return `pictures-${at.toISOString().slice(0, 10)}.${format}`;
}

/** Let the browser save a text. @param {string} name @param {string} text @param {string} type */
export function save(name, text, type) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);
}
