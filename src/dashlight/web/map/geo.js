/**
 * Positions, distances and boxes; longitude first, degrees, headings clockwise from true north.
 *
 * @typedef {import('./types.js').Bounds} Bounds
 * @typedef {import('./types.js').Picture} Picture
 */

const EARTH_RADIUS_M = 6371008.8;
const RADIANS = Math.PI / 180;

/** Return an angle folded to 0 <= h < 360. @param {number} degrees */
export function compassDeg(degrees) {
  return ((degrees % 360) + 360) % 360;
}

/** Return the angle between two headings, 0..180. @param {number} a @param {number} b */
export function headingDifferenceDeg(a, b) {
  const difference = compassDeg(a - b);
  return Math.min(difference, 360 - difference);
}

/**
 * Return the great-circle distance in metres.
 *
 * @param {[number, number]} a
 * @param {[number, number]} b
 */
export function distanceM([lonA, latA], [lonB, latB]) {
  const dPhi = (latB - latA) * RADIANS;
  const dLambda = (lonB - lonA) * RADIANS;
  const h =
    Math.sin(dPhi / 2) ** 2 + Math.cos(latA * RADIANS) * Math.cos(latB * RADIANS) * Math.sin(dLambda / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/**
 * Return the heading on leaving `start` for `end`; zero when they are equal.
 *
 * @param {[number, number]} start
 * @param {[number, number]} end
 */
export function headingBetween([lonA, latA], [lonB, latB]) {
  const dLambda = (lonB - lonA) * RADIANS;
  const east = Math.sin(dLambda) * Math.cos(latB * RADIANS);
  const north =
    Math.cos(latA * RADIANS) * Math.sin(latB * RADIANS) -
    Math.sin(latA * RADIANS) * Math.cos(latB * RADIANS) * Math.cos(dLambda);
  return compassDeg(Math.atan2(east, north) / RADIANS);
}

/** Return a longitude folded to -180..180. @param {number} lon */
export function foldedLon(lon) {
  return lon >= -180 && lon <= 180 ? lon : compassDeg(lon + 180) - 180;
}

/**
 * Return the box as the API takes it, or the whole world when the map shows more than one turn.
 *
 * @param {Bounds} bounds
 */
export function bboxParameter({ west, south, east, north }) {
  const [s, n] = [Math.max(-90, south), Math.min(90, north)];
  const [w, e] = east - west >= 360 ? [-180, 180] : [foldedLon(west), foldedLon(east)];
  return [w, s, e, n].map((value) => String(Number(value.toFixed(6)))).join(',');
}

/** Return whether the box holds the position. @param {Bounds} bounds @param {number} lon @param {number} lat */
export function contains({ west, south, east, north }, lon, lat) {
  if (lat < south || lat > north) return false;
  if (east - west >= 360) return true;
  const [w, e] = [foldedLon(west), foldedLon(east)];
  return w <= e ? lon >= w && lon <= e : lon >= w || lon <= e;
}

/** Return a box around a position. @param {[number, number]} position @param {number} radiusM @returns {Bounds} */
export function boundsAround([lon, lat], radiusM) {
  const dLat = radiusM / EARTH_RADIUS_M / RADIANS;
  const dLon = dLat / Math.max(0.01, Math.cos(lat * RADIANS));
  return { west: lon - dLon, south: lat - dLat, east: lon + dLon, north: lat + dLat };
}

/**
 * Return the picture to go to from `current`: the nearest that lies ahead (or behind) and looks roughly the same way.
 *
 * @param {Picture} current
 * @param {Picture[]} candidates
 * @param {'ahead' | 'behind'} side
 * @returns {Picture | null}
 */
export function nearestTowards(current, candidates, side) {
  const heading = current.properties['view:azimuth'];
  const wanted = side === 'ahead' ? heading : compassDeg(heading + 180);
  let best = null;
  let bestM = Infinity;
  for (const candidate of candidates) {
    const metres = distanceM(current.geometry.coordinates, candidate.geometry.coordinates);
    if (candidate.id === current.id || metres < 0.5 || metres >= bestM) continue;
    const towards = headingBetween(current.geometry.coordinates, candidate.geometry.coordinates);
    if (headingDifferenceDeg(towards, wanted) > 60) continue;
    if (headingDifferenceDeg(candidate.properties['view:azimuth'], heading) > 75) continue;
    [best, bestM] = [candidate, metres];
  }
  return best;
}
