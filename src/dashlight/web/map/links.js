/**
 * Positions in links of maps and street-level services. A link is read, never followed: nobody is asked what is behind it.
 *
 * @typedef {{lon: number, lat: number, zoom: number}} LinkedPosition
 */

const NUMBER = '(-?\\d+(?:\\.\\d+)?)';
const PAIR = new RegExp(`^\\s*${NUMBER}\\s*[,~\\s]\\s*${NUMBER}\\s*$`);
const VIEW = new RegExp(`^${NUMBER}/${NUMBER}/${NUMBER}`);
const PIN = new RegExp(`!3d${NUMBER}!4d${NUMBER}`); // Google Maps: the place, where `@` is only the view's middle.
const AT = new RegExp(`@${NUMBER},${NUMBER}(?:,${NUMBER}z)?`);
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const DEFAULT_ZOOM = 16;

/** Fields that hold `lat,lon`, the most exact first. */
const PAIR_FIELDS = ['cbll', 'viewpoint', 'query', 'q', 'll', 'sll', 'daddr', 'destination', 'center', 'cp', 'coordinate'];
const SEPARATE_FIELDS = [
  ['lat', 'lng'],
  ['lat', 'lon'],
  ['latitude', 'longitude'],
];

/** @param {unknown} lon @param {unknown} lat @param {unknown} [zoom] @returns {LinkedPosition | null} */
function sound(lon, lat, zoom) {
  const [x, y, z] = [Number(lon), Number(lat), Number(zoom || DEFAULT_ZOOM)];
  if (!(Math.abs(y) <= 90 && Math.abs(x) <= 180)) return null;
  return { lon: x, lat: y, zoom: Number.isFinite(z) ? Math.min(20, Math.max(1, z)) : DEFAULT_ZOOM };
}

/** Return a text as an address, or null; `www.` and the like without a scheme count too. @param {string} text */
export function linkIn(text) {
  const trimmed = text.trim();
  if (/^https?:\/\//i.test(trimmed)) return URL.parse(trimmed);
  return /^[a-z0-9-]+(\.[a-z0-9-]+)+\/\S*$/i.test(trimmed) ? URL.parse(`https://${trimmed}`) : null;
}

/** @param {URL} url */
function fieldsOf(url) {
  return new URLSearchParams(`${url.search.slice(1)}&${url.hash.replace(/^#\??/, '')}`);
}

/** @param {URLSearchParams} fields @returns {LinkedPosition | null} */
function inFields(fields) {
  if (fields.get('mlat') && fields.get('mlon')) return sound(fields.get('mlon'), fields.get('mlat')); // A pin beats a view.
  for (const name of ['at', 'map']) {
    const view = VIEW.exec(fields.get(name) ?? '');
    if (view) return sound(view[3], view[2], view[1]);
  }
  const zoom = fields.get('z') ?? fields.get('zoom') ?? fields.get('lvl');
  for (const [lat, lon] of SEPARATE_FIELDS) {
    if (fields.get(lat) && fields.get(lon)) return sound(fields.get(lon), fields.get(lat), zoom);
  }
  for (const name of PAIR_FIELDS) {
    const pair = PAIR.exec((fields.get(name) ?? '').replace(/^loc:/, ''));
    if (pair) return sound(pair[2], pair[1], zoom);
  }
  return null;
}

/** @param {string} path @returns {LinkedPosition | null} */
function inPath(path) {
  const pin = PIN.exec(path);
  if (pin) return sound(pin[2], pin[1]);
  const at = AT.exec(path);
  if (at) return sound(at[2], at[1], at[3]);
  const last = path.split('/').map((part) => PAIR.exec(part.replaceAll('+', ' '))).find(Boolean);
  return last ? sound(last[2], last[1]) : null;
}

/**
 * Return the position in a link: of this map, or as OpenStreetMap, Mapillary, KartaView, Panoramax, Google Maps and
 * others write it; null when it holds none.
 *
 * @param {URL} url
 * @returns {LinkedPosition | null}
 */
export function linkedPosition(url) {
  let path = '';
  try {
    path = decodeURIComponent(url.pathname);
  } catch {
    return null; // A `%` that means nothing.
  }
  const fields = fieldsOf(url);
  if (/(^|\.)yandex\./.test(url.hostname)) {
    const pair = PAIR.exec(fields.get('ll') ?? '');
    return pair ? sound(pair[1], pair[2], fields.get('z')) : null; // Longitude first.
  }
  const pin = PIN.exec(path);
  if (pin) return sound(pin[2], pin[1]);
  return inFields(fields) ?? inPath(path);
}

/** Return the picture that a link of this map opens, or null. @param {URL} url @param {string} [origin] */
export function pictureIn(url, origin = location.origin) {
  if (url.origin !== origin) return null;
  const named = /^\/p\/([^/]+)\/?$/.exec(url.pathname)?.[1] ?? fieldsOf(url).get('picture') ?? '';
  return UUID.exec(named)?.[0].toLowerCase() ?? null;
}

/** Return the text as a picture's id, or null. @param {string} text */
export function pictureId(text) {
  const trimmed = text.trim();
  return UUID.exec(trimmed)?.[0] === trimmed ? trimmed.toLowerCase() : null;
}
