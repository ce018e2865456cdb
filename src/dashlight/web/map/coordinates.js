/**
 * Positions as people write them: decimal degrees with point or comma, degrees with minutes and seconds, letters before
 * or after, `geo:` (RFC 5870), `POINT(lon lat)`, `zoom/lat/lon`, and full Open Location Codes.
 *
 * @typedef {{lon: number, lat: number, zoom: number, isLonFirst: boolean}} Written
 */

import { language } from './text.js';

const ZOOM = 16;
const LETTER = '[NSEWO]';

/** Return the pattern of one angle. @param {string} sign of the decimals @param {boolean} isLetterFirst */
function anglePattern(sign, isLetterFirst) {
  const decimal = (/** @type {number} */ digits) => `\\d{1,${digits}}(?:${sign}\\d+)?`;
  const sexagesimal = `(\\d{1,3})\\s*°\\s*(${decimal(2)})\\s*'\\s*(?:(${decimal(2)})\\s*")?`;
  const spaced = `(\\d{1,3})[\\s:]+(\\d{1,2})[\\s:]+(${decimal(2)})`;
  const [before, after] = isLetterFirst ? [`(${LETTER})\\s*`, '()'] : ['()', `\\s*(${LETTER})?`];
  return `${before}([+-])?\\s*(?:${sexagesimal}|${spaced}|(${decimal(3)})\\s*°?)${after}`;
}

/** With a decimal comma a comma parts two numbers only where a space follows. */
const PAIRS = [true, false].flatMap((isLetterFirst) => {
  const [point, comma] = ['\\.', ','].map((sign) => anglePattern(sign, isLetterFirst));
  return [new RegExp(`^${point}\\s*[,;/\\s]\\s*${point}$`), new RegExp(`^${comma}(?:\\s*[;/]\\s*|,?\\s+)${comma}$`)];
});
const GROUPS = 10; // Of one angle.

/** Return a text without what differs between keyboards and fonts. @param {string} text */
function plainSigns(text) {
  return text
    .trim()
    .toUpperCase()
    .replace(/[\u2212\u2013]/g, '-')
    .replace(/[º˚]/g, '°')
    .replace(/[\u2032\u2019\u00b4`]/g, "'")
    .replace(/''|[\u2033\u201d]/g, '"')
    .replace(/\b(?:LAT(?:ITUDE?)?|LON(?:GITUDE?)?|LNG)\b\.?[:=]?\s*/g, '');
}

/** @param {(string | undefined)[]} groups @returns {{degrees: number, letter: string} | null} */
function angleOf([before, sign, degrees, minutes, seconds, spacedDegrees, spacedMinutes, spacedSeconds, plain, after]) {
  const number = (/** @type {string | undefined} */ text) => Number((text ?? '0').replace(',', '.'));
  const [m, s] = [number(minutes ?? spacedMinutes), number(seconds ?? spacedSeconds)];
  const letter = before || after || '';
  if (m >= 60 || s >= 60 || (letter && sign)) return null;
  if (letter === 'O' && language !== 'es') return null; // West here, east elsewhere.
  const size = number(plain ?? degrees ?? spacedDegrees) + m / 60 + s / 3600;
  return { degrees: sign === '-' || /[SWO]/.test(letter) ? -size : size, letter };
}

/** @param {number} lon @param {number} lat @param {number} [zoom] @param {boolean} [isLonFirst] @returns {Written | null} */
function sound(lon, lat, zoom = ZOOM, isLonFirst = false) {
  if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) return null;
  return { lon, lat, zoom: Math.min(20, Math.max(1, zoom || ZOOM)), isLonFirst };
}

/** Return what two angles mean; latitude first unless letters or their sizes say otherwise. @param {string} text */
function pairIn(text) {
  for (const pattern of PAIRS) {
    const found = pattern.exec(text);
    if (!found) continue;
    const [first, second] = [angleOf(found.slice(1, 1 + GROUPS)), angleOf(found.slice(1 + GROUPS))];
    if (!first || !second) continue;
    const [a, b] = [first.letter, second.letter].map((letter) => (letter ? (/[NS]/.test(letter) ? 'lat' : 'lon') : ''));
    if (a && a === b) continue;
    const isTold = Boolean(a || b);
    const isSwapped = isTold ? a === 'lon' || b === 'lat' : Math.abs(first.degrees) > 90;
    const [lat, lon] = isSwapped ? [second, first] : [first, second];
    const written = sound(lon.degrees, lat.degrees, ZOOM, isSwapped && !isTold);
    if (written) return written;
  }
  return null;
}

const DIGITS = '23456789CFGHJMPQRVWX';

/** Return the middle of a full Open Location Code such as `8CPV9572+M6`. @param {string} text */
export function plusCodeIn(text) {
  const code = text.trim().toUpperCase();
  if (!/^[23456789C][23456789CFGHJMPQRV][23456789CFGHJMPQRVWX]{6}\+(?:[23456789CFGHJMPQRVWX]{2,7})?$/.test(code)) return null;
  const digits = [...code.replace('+', '')].map((each) => DIGITS.indexOf(each));
  let [lat, lon, high, wide] = [-90, -180, 400, 400];
  for (let at = 0; at < Math.min(10, digits.length); at += 2) {
    [high, wide] = [high / 20, wide / 20];
    lat += digits[at] * high;
    lon += digits[at + 1] * wide;
  }
  for (const digit of digits.slice(10)) {
    [high, wide] = [high / 5, wide / 4];
    lat += Math.floor(digit / 4) * high;
    lon += (digit % 4) * wide;
  }
  return sound(lon + wide / 2, lat + high / 2, digits.length > 8 ? 18 : 14);
}

/** Return the position that a text spells, or null. @param {string} text @returns {Written | null} */
export function writtenPosition(text) {
  const geo = /^geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,[^;?]*)?(?:[;?].*?\bz=(\d+(?:\.\d+)?))?/i.exec(text.trim());
  if (geo) return sound(Number(geo[2]), Number(geo[1]), Number(geo[3] ?? ZOOM));
  const view = /^(\d{1,2}(?:\.\d+)?)\/(-?\d{1,2}(?:\.\d+)?)\/(-?\d{1,3}(?:\.\d+)?)$/.exec(text.trim());
  if (view && Number(view[1]) <= 22) return sound(Number(view[3]), Number(view[2]), Number(view[1]));
  const lonFirst = /^(?:POINT\s*\(|\[)\s*(-?\d+(?:\.\d+)?)[\s,]+(-?\d+(?:\.\d+)?)\s*[)\]]$/i.exec(text.trim());
  if (lonFirst) return sound(Number(lonFirst[1]), Number(lonFirst[2]), ZOOM, true);
  return plusCodeIn(text) ?? pairIn(plainSigns(text).replace(/^\((.*)\)$/, '$1'));
}
