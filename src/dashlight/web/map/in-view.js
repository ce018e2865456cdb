/**
 * The pictures of the part of the map that is in view: one page of them for the list, their number, their days.
 *
 * @typedef {import('./types.js').Arrival} Arrival
 * @typedef {import('./types.js').Bounds} Bounds
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./wanted.js').Wanted} Wanted
 * @typedef {'loading' | 'ready' | 'failed' | 'offline'} Status
 */

import * as api from './api.js';
import { isShown } from './days.js';
import { precisionOf } from './format.js';
import { contains } from './geo.js';
import { EVERYTHING, isNarrowed, isWanted } from './wanted.js';

const SETTLE_MS = 180; // A moving map asks once it rests.
const MOST_ADDED = 100; // So many arrivals go into the list one by one; with more it is asked for anew, now and then.
const RENEW_MS = 2000;

/** Return a picture made of what the live feed tells; the rest comes when it is opened. @param {Arrival} arrival @returns {Picture} */
function pictureOf(arrival) {
  return {
    id: arrival.id,
    geometry: { type: 'Point', coordinates: [arrival.lon, arrival.lat] },
    properties: {
      captured: arrival.captured,
      captured_precision: precisionOf(arrival.captured),
      day: arrival.day,
      'view:azimuth': arrival.heading_deg,
      accuracy_m: null,
      policy: arrival.policy,
      license: '',
      attribution: '',
      width: 0,
      height: 0,
      sequence: arrival.sequence,
      rank: 0,
      redactions: [],
    },
    links: [],
    assets: {},
  };
}

/** Tells of every change with a `change` event. */
export class InView extends EventTarget {
  /** @type {Status} */
  status = 'loading';
  /** @type {Picture[]} */
  pictures = [];
  /** @type {[string, number][] | null} */
  days = null;
  /** @type {Set<string>} */
  fresh = new Set();
  /** @type {Bounds | null} */
  bounds = null;
  /** @type {Wanted} */
  wanted = EVERYTHING;
  /** @type {string | null} */
  cursor = null;
  reason = '';
  isLoadingMore = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | null} */
  #request = null;
  #added = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;

  /**
   * The number of pictures in view, or null where it is not known: days are counted by cells, so nearly, and without
   * regard to policies and headings.
   */
  get total() {
    if (!this.days) return null;
    if (!this.cursor) return this.pictures.length;
    if (isNarrowed(this.wanted)) return null;
    const counted = this.days.reduce((sum, [day, n]) => (isShown(day, this.wanted) ? sum + n : sum), 0);
    return Math.max(counted, this.pictures.length);
  }

  /** Show another part of the map or other pictures. @param {Bounds} bounds @param {Wanted} wanted */
  show(bounds, wanted) {
    this.bounds = bounds;
    this.wanted = wanted;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.reload(), this.pictures.length || this.status !== 'loading' ? SETTLE_MS : 0);
  }

  /** Ask again. @param {{quietly?: boolean}} [options] `quietly` keeps what is shown until the answer is there */
  async reload({ quietly = false } = {}) {
    if (!this.bounds) return;
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    this.#added = 0;
    if (!quietly && this.status !== 'ready') this.#set({ status: 'loading' });
    try {
      const [page, days] = await Promise.all([
        api.pictures(this.bounds, this.wanted, { signal: request.signal }),
        api.histogram(this.bounds, request.signal),
      ]);
      this.#set({ status: 'ready', pictures: page.features, cursor: page.next ?? null, days, reason: '' });
    } catch (error) {
      if (!request.signal.aborted) this.#fail(error);
    }
  }

  /** Add the next page to the list. */
  async more() {
    if (!this.cursor || !this.bounds || this.isLoadingMore) return;
    this.#set({ isLoadingMore: true });
    const signal = this.#request?.signal;
    try {
      const page = await api.pictures(this.bounds, this.wanted, { cursor: this.cursor, signal });
      const known = new Set(this.pictures.map(({ id }) => id));
      const added = page.features.filter(({ id }) => !known.has(id));
      this.#set({ pictures: [...this.pictures, ...added], cursor: page.next ?? null });
    } catch (error) {
      if (!signal?.aborted) this.#fail(error);
    } finally {
      this.#set({ isLoadingMore: false });
    }
  }

  /**
   * Put pictures that have just been published on top; return how many are new here.
   *
   * @param {Arrival[]} arrivals
   */
  add(arrivals) {
    const known = new Set(this.pictures.map(({ id }) => id));
    const added = arrivals.filter((each) => !known.has(each.id) && this.#wants(each));
    if (!added.length) return 0;
    const counts = new Map(this.days ?? []);
    for (const { id, day } of added) {
      this.fresh.add(id);
      counts.set(day, (counts.get(day) ?? 0) + 1);
    }
    const room = Math.max(0, MOST_ADDED - this.#added);
    this.#added += added.length;
    const pictures = [...added.slice(0, room).map(pictureOf).reverse(), ...this.pictures];
    if (this.#added > MOST_ADDED) {
      this.#renewal ??= setTimeout(() => {
        this.#renewal = undefined;
        this.reload({ quietly: true });
      }, RENEW_MS);
    }
    const days = /** @type {[string, number][]} */ ([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#set({ pictures, days: this.days && days, status: 'ready' });
    return added.length;
  }

  /** Take a picture away; return whether it was there. @param {string} id */
  remove(id) {
    const lost = this.pictures.find((each) => each.id === id);
    if (!lost) return false;
    const days = this.days?.map(([day, n]) => /** @type {[string, number]} */ ([day, day === lost.properties.day ? n - 1 : n]));
    this.#set({ pictures: this.pictures.filter((each) => each !== lost), days: days ?? null });
    return true;
  }

  /** @param {Arrival} arrival */
  #wants({ lon, lat, day, policy, heading_deg: heading }) {
    return this.bounds !== null && contains(this.bounds, lon, lat) && isWanted({ day, policy, heading }, this.wanted);
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof api.Unreachable) this.#set({ status: 'offline' });
    else this.#set({ status: 'failed', reason: api.reasonOf(error) });
  }

  /** @param {Partial<InView>} patch */
  #set(patch) {
    Object.assign(this, patch);
    this.dispatchEvent(new Event('change'));
  }
}
