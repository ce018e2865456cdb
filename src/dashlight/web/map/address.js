/**
 * What the page's address carries: view, picture, dates, filters, layers.
 *
 * It is the fragment, `#at=15.2/43.3617/-5.8494&picture=..&from=..&to=..`, because browsers keep the fragment to
 * themselves: where somebody looks on the map is not in the server's log nor in a `Referer`.
 *
 * @typedef {import('./types.js').Policy} Policy
 * @typedef {import('./types.js').View} View
 * @typedef {object} Address
 * @property {View | null} at  where the map is; null until known
 * @property {string | null} picture  the opened picture's id
 * @property {boolean} full  the picture fills the screen
 * @property {string | null} from
 * @property {string | null} to
 * @property {string | null} asof  the map as it was known on this day; then there is no `from` and `to`
 * @property {string | null} compare  beside it, the map as it was known on this day
 * @property {'before' | 'after'} list  which of the two compared the list tells
 * @property {Policy[] | null} policies  only these; null for all
 * @property {number | null} heading  only what looks this way
 * @property {'age' | 'amount'} layer  what the colours tell
 * @property {boolean} names  whether places have their names on the map
 */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const POLICIES = /** @type {Policy[]} */ (['fleet', 'open', 'personal']);

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

/** Return some of the policies, or null for all or for none that exists. @param {string | null} text */
function policiesOf(text) {
  const named = new Set((text ?? '').split(','));
  const policies = POLICIES.filter((each) => named.has(each));
  return policies.length && policies.length < POLICIES.length ? policies : null;
}

/** Return a heading in whole degrees, or null. @param {string | null} text */
function headingOf(text) {
  return text !== null && /^\d{1,3}$/.test(text) && Number(text) < 360 ? Number(text) : null;
}

/** Return what a fragment says; what it says wrongly is left out. @param {string} fragment @returns {Address} */
export function parseAddress(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^[#?]/, ''));
  const picture = fields.get('picture');
  const [asof, compare] = [dayOf(fields.get('asof')), dayOf(fields.get('compare'))];
  const isPeriod = !asof && !compare;
  return {
    at: viewOf(fields.get('at')),
    picture: picture && ID.test(picture) ? picture : null,
    full: fields.has('full'),
    from: isPeriod ? dayOf(fields.get('from')) : null,
    to: isPeriod ? dayOf(fields.get('to')) : null,
    asof,
    compare,
    list: compare && fields.get('list') === 'before' ? 'before' : 'after',
    policies: policiesOf(fields.get('policy')),
    heading: headingOf(fields.get('heading')),
    layer: fields.get('layer') === 'amount' ? 'amount' : 'age',
    names: fields.get('names') !== 'off',
  };
}

/** Return the fragment of an address. @param {Address} address */
export function formatAddress({ at, picture, full, from, to, asof, compare, list, policies, heading, layer, names }) {
  const parts = [];
  if (at) {
    const decimals = Math.max(2, Math.ceil((at.zoom * Math.LN2 + Math.log(512 / 360 / 0.5)) / Math.LN10));
    parts.push(`at=${Number(at.zoom.toFixed(2))}/${at.lat.toFixed(decimals)}/${at.lon.toFixed(decimals)}`);
  }
  if (picture) parts.push(`picture=${picture}`);
  if (picture && full) parts.push('full');
  if (from) parts.push(`from=${from}`);
  if (to) parts.push(`to=${to}`);
  if (asof) parts.push(`asof=${asof}`);
  if (compare) parts.push(`compare=${compare}`);
  if (compare && list === 'before') parts.push('list=before');
  if (policies) parts.push(`policy=${policies.join(',')}`);
  if (heading !== null) parts.push(`heading=${heading}`);
  if (layer !== 'age') parts.push(`layer=${layer}`);
  if (!names) parts.push('names=off');
  return `#${parts.join('&')}`;
}
