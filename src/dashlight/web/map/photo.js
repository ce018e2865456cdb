/**
 * `<dl-photo>`: one picture that can be zoomed and moved; `+`, `-` and `0` are handled by its viewer.
 */

import { html, nothing } from 'lit';

import { LightElement } from './light.js';
import { t } from './text.js';

const MOST_ZOOM = 8;
const STEP = 1.5;

/** Events: `shown` when the pixels are there, `broken` when they cannot be had. */
export class PhotoElement extends LightElement {
  static properties = {
    src: {},
    preview: {},
    alt: {},
    ratio: { type: Number },
    isLoaded: { state: true },
    zoom: { state: true },
  };

  constructor() {
    super();
    this.src = '';
    this.preview = '';
    this.alt = '';
    this.ratio = 16 / 9;
    this.isLoaded = false;
    this.zoom = 1;
    this.offset = { x: 0, y: 0 };
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.addEventListener('pointerdown', (event) => this.#down(event));
    this.addEventListener('pointermove', (event) => this.#move(event));
    for (const name of /** @type {const} */ (['pointerup', 'pointercancel'])) {
      this.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    this.addEventListener('dblclick', (event) => this.#zoomAt(this.zoom > 1 ? 1 / MOST_ZOOM : 2.5, event));
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has('src')) {
      this.isLoaded = false;
      this.zoom = 1;
      this.offset = { x: 0, y: 0 };
    }
  }

  /** Zoom in (1), out (-1) or to the whole picture (0). @param {-1 | 0 | 1} direction */
  zoomBy(direction) {
    const { left, top, width, height } = this.getBoundingClientRect();
    const middle = { clientX: left + width / 2, clientY: top + height / 2 };
    this.#zoomAt(direction === 0 ? 1 / MOST_ZOOM : STEP ** direction, middle);
  }

  /** Zoom by a factor, keeping the point under the pointer. @param {number} factor @param {{clientX: number, clientY: number}} at */
  #zoomAt(factor, { clientX, clientY }) {
    const { left, top, width, height } = this.getBoundingClientRect();
    const zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const x = clientX - left - width / 2;
    const y = clientY - top - height / 2;
    const ratio = zoom / this.zoom;
    this.offset = { x: x - (x - this.offset.x) * ratio, y: y - (y - this.offset.y) * ratio };
    this.zoom = zoom;
    this.#clamp();
  }

  #clamp() {
    const { width, height } = this.getBoundingClientRect();
    const most = { x: (width * (this.zoom - 1)) / 2, y: (height * (this.zoom - 1)) / 2 };
    this.offset = {
      x: Math.min(most.x, Math.max(-most.x, this.offset.x)),
      y: Math.min(most.y, Math.max(-most.y, this.offset.y)),
    };
    this.requestUpdate();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (this.zoom === 1 && event.deltaY > 0) return; // Let the panel scroll on.
    event.preventDefault();
    this.#zoomAt(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)), event);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (/** @type {Element} */ (event.target).closest('button')) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.zoom > 1 || this.pointers.size > 1) this.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.pointers.size === 1) {
      if (this.zoom > 1) {
        this.offset = { x: this.offset.x + now.x - before.x, y: this.offset.y + now.y - before.y };
        this.#clamp();
      }
    } else {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1] ?? now;
      const spread = (/** @type {{x: number, y: number}} */ p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
      this.#zoomAt(spread(now) / spread(before), { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 });
    }
    this.pointers.set(event.pointerId, now);
  }

  #loaded() {
    this.isLoaded = true;
    this.dispatchEvent(new Event('shown'));
  }

  render() {
    const { x, y } = this.offset;
    const style = `transform: translate(${x}px, ${y}px) scale(${this.zoom})`;
    return html`
      ${this.preview && !this.isLoaded ? html`<img class="photo-preview" src=${this.preview} alt="" />` : nothing}
      <img
        class="photo-image"
        .src=${this.src}
        alt=${this.alt}
        .style=${style}
        draggable="false"
        ?data-loaded=${this.isLoaded}
        @load=${() => this.#loaded()}
        @error=${() => this.dispatchEvent(new Event('broken'))}
      />
      ${this.isLoaded ? nothing : html`<span class="only-read" role="status">${t('pictureLoading')}</span>`}
    `;
  }
}

customElements.define('dl-photo', PhotoElement);
