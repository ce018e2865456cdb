/**
 * `<dl-panel>`: beside the map on wide screens, a sheet from below on phones. It holds the list or the opened picture,
 * says when there is no connection, and tells a screen reader what arrives.
 *
 * @typedef {import('./page.js').Page} Page
 * @typedef {'low' | 'middle' | 'high'} Height
 */

import { html, nothing } from 'lit';

import { signs } from './icons.js';
import { LightElement } from './light.js';
import { t } from './text.js';
import { wantedOf } from './wanted.js';

import './legend.js';
import './list.js';
import './viewer.js';

const HEIGHTS = /** @type {Height[]} */ (['low', 'middle', 'high']);
const DRAG_PX = 24;

export class PanelElement extends LightElement {
  static properties = { page: { attribute: false }, height: { reflect: true }, seconds: { state: true } };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
    /** @type {Height} */
    this.height = 'middle';
    this.seconds = 0;
    /** @type {number | null} */
    this.dragFrom = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.ticking = undefined;
  }

  get list() {
    return /** @type {import('./list.js').ListElement | null} */ (this.querySelector('dl-list'));
  }

  get viewer() {
    return /** @type {import('./viewer.js').ViewerElement | null} */ (this.querySelector('dl-viewer'));
  }

  /** Draw this element and those inside it anew. */
  refresh() {
    this.requestUpdate();
    for (const each of [this.list, this.viewer]) each?.requestUpdate();
  }

  updated() {
    const isDown = this.page?.isOffline === true;
    if (isDown && !this.ticking) this.ticking = setInterval(() => this.#tick(), 1000);
    if (!isDown && this.ticking) {
      clearInterval(this.ticking);
      this.ticking = undefined;
    }
  }

  #tick() {
    this.seconds = Math.max(0, Math.ceil(((this.page?.retryAt ?? 0) - Date.now()) / 1000));
  }

  /** @param {-1 | 1} step */
  #resize(step) {
    const index = HEIGHTS.indexOf(this.height) + step;
    this.height = HEIGHTS[Math.min(HEIGHTS.length - 1, Math.max(0, index))];
  }

  #toggle() {
    this.height = this.height === 'high' ? 'low' : HEIGHTS[HEIGHTS.indexOf(this.height) + 1];
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (event.type === 'pointerdown') {
      this.dragFrom = event.clientY;
      /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    } else if (this.dragFrom !== null) {
      const moved = this.dragFrom - event.clientY;
      this.dragFrom = null;
      if (Math.abs(moved) < DRAG_PX) this.#toggle();
      else this.#resize(moved > 0 ? 1 : -1);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === 'Enter' || event.key === ' ') this.#toggle();
    else if (event.key === 'ArrowUp') this.#resize(1);
    else if (event.key === 'ArrowDown') this.#resize(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #offline() {
    const page = /** @type {Page} */ (this.page);
    if (!page.isOffline) return nothing;
    return html`<div class="notice" data-state="offline">
      <p><strong>${t('offlineTitle')}</strong></p>
      <p>${t('offlineText')}</p>
      <p class="notice-next">
        <span class="small">${this.seconds ? t('offlineRetry', { n: this.seconds }) : t('offlineTrying')}</span>
        <button class="button" @click=${() => page.retry()}>${t('tryNow')}</button>
      </p>
    </div>`;
  }

  render() {
    if (!this.page) return nothing;
    const { page } = this;
    const isOpen = page.opened.status !== 'none';
    const handleLabel = t(this.height === 'high' ? 'sheetCollapse' : 'sheetExpand');
    const drag = (/** @type {PointerEvent} */ event) => this.#drag(event);
    return html`<button
        class="sheet-handle"
        aria-label=${handleLabel}
        aria-expanded=${this.height === 'low' ? 'false' : 'true'}
        aria-controls="panel-body"
        @pointerdown=${drag}
        @pointerup=${drag}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this.#key(event)}
      >
        ${this.height === 'high' ? signs.down() : signs.up()}
      </button>
      <p class="only-read" role="status" data-live>${page.announced}</p>
      <div class="panel-body" id="panel-body" data-opened=${isOpen}>
        ${this.#offline()}
        ${page.canDraw
          ? nothing
          : html`<div class="notice"><p><strong>${t('noMapTitle')}</strong></p><p>${t('noMapText')}</p></div>`}
        ${isOpen ? html`<dl-viewer .page=${page}></dl-viewer>` : html`<dl-list .page=${page}></dl-list>`}
      </div>
      ${isOpen ? nothing : html`<dl-legend .zoom=${page.state.shown.at?.zoom ?? 0} .layer=${page.state.shown.layer} .wanted=${wantedOf(page.state.shown)} .isCompared=${page.state.shown.compare !== null}></dl-legend>`}`;
  }
}

customElements.define('dl-panel', PanelElement);
