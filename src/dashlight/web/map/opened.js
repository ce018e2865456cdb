/**
 * The opened picture: what is known of it, and its neighbours along the road.
 *
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {'none' | 'loading' | 'ready' | 'gone' | 'unknown' | 'failed' | 'offline'} Status
 * @typedef {'prev' | 'next'} Way
 */

import * as api from './api.js';
import { boundsAround, nearestTowards } from './geo.js';
import { EVERYTHING } from './wanted.js';

const SEEN_M = 80; // How far ahead the next picture of a street is looked for.
const SEEN_COUNT = 200;

/** Tells of every change with a `change` event. */
export class OpenedPicture extends EventTarget {
  /** @type {Status} */
  status = 'none';
  /** @type {string | null} */
  id = null;
  /** @type {Picture | null} */
  picture = null;
  /** @type {Record<Way, string | null | undefined>} undefined while it is not known */
  neighbours = { prev: undefined, next: undefined };
  reason = '';
  /** @type {AbortController | null} */
  #request = null;

  /** Whether the neighbours are those of its drive. */
  get isInSequence() {
    return Boolean(this.picture?.properties.sequence);
  }

  /** @param {string | null} id */
  async open(id) {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    const neighbours = { prev: undefined, next: undefined };
    // The former picture stays until the next is known, so that stepping does not flicker.
    this.#set({ id, status: id ? 'loading' : 'none', neighbours, ...(id ? {} : { picture: null }) });
    if (!id) return;
    try {
      const picture = await api.picture(id, request.signal);
      this.#set({ picture, status: 'ready' });
      this.#set({ neighbours: await this.#neighboursOf(picture, request.signal) });
      this.#prefetch();
    } catch (error) {
      if (!request.signal.aborted) this.#fail(error);
    }
  }

  /** The picture was taken off the map while it was open. */
  withdraw() {
    this.#request?.abort();
    this.#set({ status: 'gone', picture: null });
  }

  /** @param {Picture} picture @param {AbortSignal} signal @returns {Promise<Record<Way, string | null>>} */
  async #neighboursOf(picture, signal) {
    const linked = { prev: api.neighbourId(picture, 'prev'), next: api.neighbourId(picture, 'next') };
    if (linked.prev && linked.next) return linked;
    const around = boundsAround(picture.geometry.coordinates, SEEN_M);
    try {
      const { features } = await api.pictures(around, EVERYTHING, { limit: SEEN_COUNT, signal });
      const { sequence } = picture.properties;
      // Where its own drive ends, another may go on.
      const others = features.filter(({ properties }) => !sequence || properties.sequence !== sequence);
      return {
        prev: linked.prev ?? nearestTowards(picture, others, 'behind')?.id ?? null,
        next: linked.next ?? nearestTowards(picture, others, 'ahead')?.id ?? null,
      };
    } catch (error) {
      if (signal.aborted) throw error;
      return linked; // The picture itself is there; only the way on is not known.
    }
  }

  #prefetch() {
    const { next, prev } = this.neighbours;
    const saves = /** @type {any} */ (navigator).connection?.saveData === true;
    for (const id of saves ? [] : [next, prev]) {
      if (id) new Image().src = api.pictureHref(id);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof api.Unreachable) this.#set({ status: 'offline' });
    else if (error instanceof api.Refused && error.status === 410) this.#set({ status: 'gone', picture: null });
    else if (error instanceof api.Refused && [400, 404, 422].includes(error.status)) {
      this.#set({ status: 'unknown', picture: null });
    } else this.#set({ status: 'failed', reason: api.reasonOf(error) });
  }

  /** @param {Partial<OpenedPicture>} patch */
  #set(patch) {
    Object.assign(this, patch);
    this.dispatchEvent(new Event('change'));
  }
}
