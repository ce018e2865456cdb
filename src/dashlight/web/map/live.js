/**
 * The live feed, `GET /live?bbox=`, as Server-Sent Events over fetch.
 *
 * Not `EventSource`: it can send `Last-Event-ID` only to the address it began with, and ours changes with the map.
 *
 * @typedef {import('./types.js').Bounds} Bounds
 */

import { bboxParameter } from './geo.js';

const SILENCE_MS = 40000; // The server comments each 15 s; two and a half of them missing is a dead line.
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const HIDDEN_MS = 30000; // A hidden tab gives its line back after this.

/**
 * Takes the text of an event stream apart (WHATWG HTML, section 9.2.6).
 */
export class EventStreamParser {
  /** @param {(event: {type: string, data: string, id: string}) => void} onEvent */
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.lastId = '';
    /** @type {number | null} */
    this.retryMs = null;
    this.rest = '';
    this.type = '';
    /** @type {string[]} */
    this.lines = [];
  }

  /** @param {string} text */
  push(text) {
    const parts = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = /** @type {string} */ (parts.pop());
    for (const line of parts) this.#line(line);
  }

  /** @param {string} line */
  #line(line) {
    if (line === '') {
      if (this.lines.length) {
        this.onEvent({ type: this.type || 'message', data: this.lines.join('\n'), id: this.lastId });
      }
      this.type = '';
      this.lines = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.type = value;
    else if (field === 'data') this.lines.push(value);
    else if (field === 'id' && !value.includes('\0')) this.lastId = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}

/**
 * Follows a region of the map and never gives up.
 *
 * Events: `hello`, `picture`, `gone`, `refresh` (detail: the parsed data), `line` (detail: `{up: boolean, retryAt: number}`).
 */
export class LiveFeed extends EventTarget {
  #lastId = '';
  #attempts = 0;
  #bbox = '';
  /** @type {AbortController | null} */
  #request = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiddenTimer;

  constructor() {
    super();
    this.up = false;
    document.addEventListener('visibilitychange', () => this.#visibility());
    addEventListener('online', () => this.retry());
    addEventListener('pagehide', () => this.#stop());
    addEventListener('pageshow', (event) => event.persisted && this.retry());
  }

  /**
   * Follow another region. What happened there before is no news: it comes with the list and the tiles, which the
   * page asks for after `hello`.
   *
   * @param {Bounds} bounds
   */
  follow(bounds) {
    const bbox = bboxParameter(bounds);
    if (bbox === this.#bbox) return;
    this.#bbox = bbox;
    this.#lastId = '';
    this.#connect();
  }

  /** Connect now instead of at the end of the wait. */
  retry() {
    if (this.#bbox) this.#connect();
  }

  #visibility() {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#stop(), HIDDEN_MS);
    else if (!this.#request) this.retry();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = null;
  }

  async #connect() {
    this.#stop();
    const request = new AbortController();
    this.#request = request;
    try {
      await this.#read(request);
    } catch {
      // Whatever ended the line, the answer is the same: wait and connect again.
    }
    if (this.#request !== request) return;
    this.#request = null;
    this.#wait();
  }

  /** @param {AbortController} request */
  async #read(request) {
    let watchdog = setTimeout(() => request.abort(), SILENCE_MS);
    try {
      const reply = await fetch(`/live?bbox=${this.#bbox}`, {
        headers: { accept: 'text/event-stream', ...(this.#lastId ? { 'last-event-id': this.#lastId } : {}) },
        cache: 'no-store',
        signal: request.signal,
      });
      if (!reply.ok || !reply.body) throw new Error(`live feed: HTTP ${reply.status}`);
      const parser = new EventStreamParser((event) => this.#receive(event));
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      this.#attempts = 0;
      this.#tell(true, 0);
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => request.abort(), SILENCE_MS);
        parser.push(value);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  /** @param {{type: string, data: string, id: string}} event */
  #receive({ type, data, id }) {
    if (id) this.#lastId = id;
    let detail;
    try {
      detail = JSON.parse(data);
    } catch {
      return; // Not ours; the next event may be.
    }
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #wait() {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts);
    const waitMs = longest / 2 + (Math.random() * longest) / 2;
    this.#attempts += 1;
    this.#tell(false, Date.now() + waitMs);
    this.#timer = setTimeout(() => (document.hidden ? undefined : this.#connect()), waitMs);
  }

  /** @param {boolean} up @param {number} retryAt */
  #tell(up, retryAt) {
    this.up = up;
    this.dispatchEvent(new CustomEvent('line', { detail: { up, retryAt } }));
  }
}
