/**
 * The server's readers' API (docs/reference/http.md).
 *
 * @typedef {import('./types.js').Bounds} Bounds
 * @typedef {import('./types.js').Instance} Instance
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./wanted.js').Wanted} Wanted
 */

import { bboxParameter } from './geo.js';

const TIMEOUT_MS = 15000;
const MOST_BINS = 1000; // Days one by one for nearly three years.

/** The server answered, and said no. */
export class Refused extends Error {
  /** @param {number} status @param {{title?: string, detail?: string, hint?: string}} problem @param {number | null} [retryAfterS] */
  constructor(status, problem, retryAfterS = null) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.hint = problem.hint ?? '';
    this.retryAfterS = retryAfterS;
  }
}

/** The server did not answer. */
export class Unreachable extends Error {}

/** Return why something failed, in words. @param {unknown} error */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Return the JSON reply.
 *
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function asked(path, options = {}) {
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(options.signal ? [options.signal] : [])];
  let reply;
  let body;
  try {
    reply = await fetch(path, { ...options, signal: AbortSignal.any(limits) });
    body = await reply.json().catch((error) => {
      if (error instanceof SyntaxError) return {};
      throw error;
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Unreachable(`no answer to ${path}`, { cause: error });
  }
  if (!reply.ok) throw new Refused(reply.status, body, Number(reply.headers.get('retry-after')) || null);
  return body;
}

/** @param {Record<string, string | number | null | undefined>} fields */
export function queryOf(fields) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

/** @returns {Promise<Instance>} */
export function instance() {
  return asked('/v1/instance', { cache: 'no-cache' });
}

/**
 * Return pictures in a box, newest first.
 *
 * @param {Bounds} bounds
 * @param {Wanted} wanted
 * @param {{limit?: number, cursor?: string | null, signal?: AbortSignal}} [options]
 * @returns {Promise<{features: Picture[], next?: string | null}>}
 */
export function pictures(bounds, { from, to, policies, heading }, { limit = 40, cursor = null, signal } = {}) {
  const wanted = { from, to, policy: policies?.join(), heading };
  return asked(`/v1/pictures${queryOf({ bbox: bboxParameter(bounds), ...wanted, limit, cursor })}`, { signal });
}

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Picture>} */
export function picture(id, signal) {
  return asked(`/v1/pictures/${encodeURIComponent(id)}`, { signal });
}

/**
 * Return `[day, count]` of the pictures in a box, oldest first.
 *
 * @param {Bounds} bounds
 * @param {AbortSignal} [signal]
 * @returns {Promise<[string, number][]>}
 */
export async function histogram(bounds, signal) {
  const reply = await asked(`/v1/histogram${queryOf({ bbox: bboxParameter(bounds), bins: MOST_BINS })}`, { signal });
  return reply.days;
}

/** @param {string} id @param {string} issue @param {string} comment @returns {Promise<{hidden: boolean}>} */
export function report(id, issue, comment) {
  return asked(`/v1/pictures/${encodeURIComponent(id)}/report`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ issue, comment }),
  });
}

/** Return what was reported and decided, by month. @returns {Promise<any>} */
export function moderation() {
  return asked('/v1/moderation');
}

/** Return the neighbour's id in its sequence, or null. @param {Picture} of @param {'prev' | 'next'} rel */
export function neighbourId(of, rel) {
  return of.links.find((each) => each.rel === rel)?.id ?? null;
}

/** @param {Picture | string} of @returns {string} */
export function pictureHref(of) {
  return typeof of === 'string' ? `/v1/pictures/${of}/picture.jpg` : (of.assets?.picture?.href ?? pictureHref(of.id));
}

/** @param {Picture | string} of @returns {string} */
export function thumbnailHref(of) {
  return typeof of === 'string' ? `/v1/pictures/${of}/thumb.jpg` : (of.assets?.thumbnail?.href ?? thumbnailHref(of.id));
}
