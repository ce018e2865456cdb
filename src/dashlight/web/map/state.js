/**
 * What the page shows, in one place: view, opened picture, dates, filters, layers. It follows the address and the
 * address follows it.
 *
 * @typedef {import('./address.js').Address} Shown
 */

import { formatAddress, parseAddress } from './address.js';

/** Holds `shown` and tells of changes with `change` events whose detail is the set of changed names. */
export class PageState extends EventTarget {
  /** @type {Shown | null} what stays while the browser goes back */
  #kept = null;

  constructor() {
    super();
    /** @type {Shown} */
    this.shown = parseAddress(location.hash || location.search);
    addEventListener('popstate', () => this.#adopt());
    addEventListener('hashchange', () => this.#adopt());
  }

  #adopt() {
    if (this.#kept) {
      history.replaceState(history.state, '', formatAddress(this.#kept));
      this.#kept = null;
      return;
    }
    const wanted = parseAddress(location.hash);
    this.#apply({ ...wanted, at: wanted.at ?? this.shown.at }, true);
  }

  /**
   * Change what is shown.
   *
   * @param {Partial<Shown>} patch
   * @param {{push?: boolean}} [options]  `push` makes the Back button return to what was shown before
   */
  change(patch, { push = false } = {}) {
    const before = formatAddress(this.shown);
    this.#apply({ ...this.shown, ...patch }, false);
    const after = formatAddress(this.shown);
    if (after === before) return;
    if (push) history.pushState({ pushed: true }, '', after);
    else history.replaceState(history.state, '', after);
  }

  /** Make the Back button return to what is shown now, because the map is about to go somewhere else. */
  mark() {
    history.pushState({ pushed: true }, '', formatAddress(this.shown));
  }

  /**
   * Undo what was pushed: as the Back button does, so that no dead entry stays, but keep the rest of what is shown.
   *
   * @param {Partial<Shown>} patch
   */
  leave(patch) {
    const isPushed = history.state?.pushed === true;
    if (!isPushed) {
      this.change(patch);
      return;
    }
    this.#apply({ ...this.shown, ...patch }, false);
    this.#kept = this.shown;
    history.back();
  }

  /** @param {Shown} next @param {boolean} fromAddress */
  #apply(next, fromAddress) {
    const names = /** @type {(keyof Shown)[]} */ (Object.keys(next));
    const changed = new Set(names.filter((name) => JSON.stringify(next[name]) !== JSON.stringify(this.shown[name])));
    if (!changed.size) return;
    this.shown = next;
    this.dispatchEvent(new CustomEvent('change', { detail: { changed, fromAddress } }));
  }
}
