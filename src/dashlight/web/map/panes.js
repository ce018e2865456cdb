/**
 * One map, or two in step beside each other: the same place as it was known on two dates. A divider parts them.
 *
 * @typedef {import('./map-element.js').MapElement} MapElement
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./state.js').Shown} Shown
 * @typedef {import('./wanted.js').Side} Side
 */

import { html, nothing, render } from 'lit';

import { dayOfNumber, today } from './days.js';
import { shortDay } from './format.js';
import { signs } from './icons.js';
import { t } from './text.js';
import { countUpTo, wantedOf } from './wanted.js';

const [LEAST, MOST, STEP] = [15, 85, 5]; // Per cent of the room that the first of two maps has.
const KEYS = /** @type {Record<string, number>} */ ({ ArrowLeft: -STEP, ArrowUp: -STEP, ArrowRight: STEP, ArrowDown: STEP });
const narrow = matchMedia('(max-width: 699px)');

export class Panes {
  /** @type {MapElement | null} */
  second = null;
  #share = 50;
  #isFollowing = false;
  #isDragged = false;

  /** @param {HTMLElement} place @param {MapElement} map @param {Page} page */
  constructor(place, map, page) {
    this.place = place;
    this.map = map;
    this.page = page;
    this.divider = this.#madeDivider();
    narrow.addEventListener('change', () => this.#place());
  }

  /** The maps that are there. @returns {MapElement[]} */
  get all() {
    return this.second ? [this.second, this.map] : [this.map];
  }

  /** @param {Side} side */
  #head(side) {
    return /** @type {HTMLElement} */ (this.place.querySelector(`.pane-${side} > .pane-head`));
  }

  /** Show what is wanted; begin or end a comparison. @param {Shown} shown */
  show(shown) {
    const look = { layer: shown.layer, names: shown.names };
    if (shown.compare && !this.second && this.map.map) this.#begin(shown, look);
    else if (!shown.compare && this.second) this.#end();
    this.map.show(wantedOf(shown), look);
    this.second?.show(wantedOf(shown, 'before'), look);
    this.refresh();
  }

  /** @param {Shown} shown @param {import('./layers.js').Look} look */
  #begin(shown, look) {
    const pane = document.createElement('section');
    pane.className = 'pane pane-before';
    const head = document.createElement('div');
    head.className = 'pane-head';
    const second = /** @type {MapElement} */ (document.createElement('dl-map'));
    second.className = 'map';
    pane.append(head, second);
    this.place.prepend(pane, this.divider);
    this.place.classList.add('is-compared');
    this.#place();
    this.map.map?.resize();
    this.second = second;
    second.start(this.map.view, wantedOf(shown, 'before'), look, { isSecond: true });
    second.addEventListener('open', (event) => this.page.open(/** @type {CustomEvent} */ (event).detail));
    this.#keepInStep(this.map, second);
    this.#keepInStep(second, this.map);
    second.select(this.page.opened.picture);
    if (narrow.matches) this.page.parts.panel.height = 'low';
  }

  #end() {
    this.second?.stop();
    this.second = null;
    this.place.querySelector('.pane-before')?.remove();
    this.divider.remove();
    this.place.classList.remove('is-compared');
    render(nothing, this.#head('after'));
    this.map.map?.resize();
  }

  /** @param {MapElement} leader @param {MapElement} follower */
  #keepInStep(leader, follower) {
    leader.map?.on('move', () => {
      if (this.#isFollowing || !leader.map || !follower.map) return;
      this.#isFollowing = true;
      follower.map.jumpTo({ center: leader.map.getCenter(), zoom: leader.map.getZoom() });
      this.#isFollowing = false;
    });
  }

  #madeDivider() {
    const divider = document.createElement('div');
    divider.className = 'divider';
    divider.tabIndex = 0;
    divider.setAttribute('role', 'separator');
    divider.setAttribute('aria-label', t('divider'));
    divider.setAttribute('aria-valuemin', String(LEAST));
    divider.setAttribute('aria-valuemax', String(MOST));
    divider.addEventListener('keydown', (event) => this.#key(event));
    divider.addEventListener('pointerdown', (event) => {
      this.#isDragged = true;
      divider.setPointerCapture(event.pointerId);
      event.preventDefault();
      divider.focus();
    });
    divider.addEventListener('pointermove', (event) => this.#isDragged && this.#drag(event));
    for (const end of ['pointerup', 'pointercancel']) divider.addEventListener(end, () => (this.#isDragged = false));
    return divider;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key in KEYS) this.#share += KEYS[event.key];
    else if (event.key === 'Home') this.#share = LEAST;
    else if (event.key === 'End') this.#share = MOST;
    else if (event.key === 'Enter') this.#share = 50;
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#place();
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const { left, top, width, height } = this.place.getBoundingClientRect();
    this.#share = narrow.matches ? ((event.clientY - top) / height) * 100 : ((event.clientX - left) / width) * 100;
    this.#place();
  }

  #place() {
    this.#share = Math.min(MOST, Math.max(LEAST, Math.round(this.#share)));
    this.place.style.setProperty('--share', String(this.#share));
    this.divider.setAttribute('aria-valuenow', String(this.#share));
    this.divider.setAttribute('aria-orientation', narrow.matches ? 'horizontal' : 'vertical');
  }

  /** Write above each map what it shows. */
  refresh() {
    const { compare, asof } = this.page.state.shown;
    if (!this.second || !compare) return;
    render(this.#headOf('before', compare), this.#head('before'));
    render(
      html`${this.#headOf('after', asof ?? dayOfNumber(today()))}
        <button class="button plain icon" aria-label=${t('compareEnd')} title=${t('compareEnd')} @click=${() => this.page.endComparison()}>
          ${signs.close()}
        </button>`,
      this.#head('after'),
    );
  }

  /** @param {Side} side @param {string} day */
  #headOf(side, day) {
    const { days } = this.page.view;
    const choose = (/** @type {string} */ chosen) => chosen && this.page.compareOn(side, chosen);
    return html`<h2 class="only-read">${t('asOf', { day: shortDay(day) })}</h2>
      <input class="field pane-day" type="date" aria-label=${t(`${side}Day`)} .value=${day} @change=${(/** @type {any} */ event) => choose(event.target.value)} />
      <span class="pane-count small">${days ? t('countPictures', { n: countUpTo(days, day) }) : ''}</span>`;
  }
}
