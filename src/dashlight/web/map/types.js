/**
 * The shapes that travel between modules; docs/reference/http.md defines those of the server.
 *
 * @typedef {'fleet' | 'open' | 'personal'} Policy
 * @typedef {{west: number, south: number, east: number, north: number}} Bounds  west > east crosses the antimeridian
 * @typedef {{from: string | null, to: string | null}} Dates  inclusive days, YYYY-MM-DD
 * @typedef {{zoom: number, lat: number, lon: number}} View
 *
 * @typedef {{captured: string, captured_precision: 'instant' | 'week' | 'month', day: string, 'view:azimuth': number,
 *   accuracy_m: number | null, policy: Policy, license: string, attribution: string, width: number, height: number,
 *   sequence: string | null, rank: number, redactions: {kind: string, bbox_xyxy: number[]}[]}} PictureProperties
 *
 * @typedef {{rel: string, href: string, id?: string}} Link
 * @typedef {object} Picture
 * @property {string} id
 * @property {{type: 'Point', coordinates: [number, number]}} geometry
 * @property {PictureProperties} properties
 * @property {Link[]} links
 * @property {Record<string, {href: string, type: string}>} assets
 *
 * @typedef {object} Instance
 * @property {string} name
 * @property {string} license
 * @property {string} contact  a web address, a mail address or words; empty when there is none
 * @property {string} version
 * @property {Record<string, string>} policies
 * @property {number} pictures
 * @property {string | null} newest_day
 * @property {string | null} oldest_day
 * @property {[number, number, number, number] | null} bbox
 *
 * @typedef {object} Arrival  the `picture` event of /live
 * @property {string} id
 * @property {number} lon
 * @property {number} lat
 * @property {number} heading_deg
 * @property {string} captured
 * @property {string} day
 * @property {Policy} policy
 * @property {string | null} sequence
 *
 * @typedef {{name: string, kind: string, rank: number, lon: number, lat: number}} Place
 */

export {};
