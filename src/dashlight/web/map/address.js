/**
 * What the page's address carries: view, picture, dates.
 *
 * It is the fragment, `#at=15.2/43.3617/-5.8494&picture=..&from=..&to=..`, because browsers keep the fragment to
 * themselves: where somebody looks on the map is not in the server's log nor in a `Referer`.
 *
 * @typedef {import('./types.js').View} View
 * @typedef {{at: View | null, picture: string | null, full: boolean, from: string | null, to: string | null}} Address
 */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Return a day that exists, or null. @param {string | null} text */
function dayOf(text) {
  if (!text || !DAY.test(text)) return null;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text) ? text : null;
}

/** Return the view of `zoom/lat/lon`, or null when a number is missing or out of its range. @param {string | null} text */
export function viewOf(text) {
  const parts = (text ?? '').split('/');
  if (parts.length !== 3 || parts.some((part) => part.trim() === '')) return null;
  const [zoom, lat, lon] = parts.map(Number);
  const sound = Number.isFinite(zoom) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return sound ? { zoom: Math.min(22, Math.max(0, zoom)), lat, lon } : null;
}

/** Return what a fragment says; what it says wrongly is left out. @param {string} fragment @returns {Address} */
export function parseAddress(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  const picture = fields.get('picture');
  return {
    at: viewOf(fields.get('at')),
    picture: picture && ID.test(picture) ? picture : null,
    full: fields.has('full'),
    from: dayOf(fields.get('from')),
    to: dayOf(fields.get('to')),
  };
}

/** Return the fragment of an address. @param {Address} address */
export function formatAddress({ at, picture, full, from, to }) {
  const parts = [];
  if (at) {
    const decimals = Math.max(2, Math.ceil((at.zoom * Math.LN2 + Math.log(512 / 360 / 0.5)) / Math.LN10));
    parts.push(`at=${Number(at.zoom.toFixed(2))}/${at.lat.toFixed(decimals)}/${at.lon.toFixed(decimals)}`);
  }
  if (picture) parts.push(`picture=${picture}`);
  if (picture && full) parts.push('full');
  if (from) parts.push(`from=${from}`);
  if (to) parts.push(`to=${to}`);
  return `#${parts.join('&')}`;
}
