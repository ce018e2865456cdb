/**
 * `<dl-viewer>`: the opened picture, first in the panel, then over the whole window.
 *
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./photo.js').PhotoElement} PhotoElement
 */

import { html, nothing } from 'lit';

import { pictureHref, thumbnailHref } from './api.js';
import { compass } from './compass.js';
import { isEmbedded } from './embed.js';
import { captured, compassPoint, coordinates, licence, redactionsInWords } from './format.js';
import { policyShape, signs } from './icons.js';
import { LightElement } from './light.js';
import { nearestName } from './places.js';
import { t } from './text.js';

import './photo.js';
import './report.js';

const STEPS = /** @type {Record<string, 'prev' | 'next'>} */ ({
  ArrowRight: 'next',
  ArrowUp: 'next',
  PageUp: 'next',
  ArrowLeft: 'prev',
  ArrowDown: 'prev',
  PageDown: 'prev',
});
const ZOOMS = /** @type {Record<string, -1 | 0 | 1>} */ ({ '+': 1, '=': 1, '-': -1, _: -1, 0: 0 });
const LINK_SAID_MS = 4000;

export class ViewerElement extends LightElement {
  static properties = { page: { attribute: false }, isBroken: { state: true } };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
    this.isBroken = false;
    /** @type {'prev' | 'next' | null} */
    this.pending = null;
    this.onKey = (/** @type {KeyboardEvent} */ event) => this.#key(event);
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener('keydown', this.onKey);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.onKey);
  }

  focusTitle() {
    this.part$('.viewer-title')?.focus({ preventScroll: true });
  }

  /** @returns {PhotoElement | null} */
  get photo() {
    return this.querySelector('dl-photo');
  }

  updated() {
    const dialog = /** @type {HTMLDialogElement | null} */ (this.querySelector('dialog.full'));
    if (dialog && !dialog.open) dialog.showModal();
    const way = this.pending;
    if (way && this.page?.opened.neighbours[way] !== undefined) this.#step(way);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {Element} */ (event.target);
    const isElsewhere = target.closest('dl-map, dl-search, dl-time, dl-report, input, textarea, select, [popover]');
    if (isElsewhere || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key in STEPS) this.#step(STEPS[event.key]);
    else if (event.key in ZOOMS) this.photo?.zoomBy(ZOOMS[event.key]);
    else if (event.key === 'Escape') this.#escape();
    else if (event.key === 'f') this.#toggleFull();
    else return;
    event.preventDefault();
  }

  #escape() {
    const page = /** @type {Page} */ (this.page);
    if (page.state.shown.full) page.state.leave({ full: false });
    else page.close();
  }

  #toggleFull() {
    const { state } = /** @type {Page} */ (this.page);
    if (state.shown.full) state.leave({ full: false });
    else state.change({ full: true }, { push: true });
  }

  /** @param {'prev' | 'next'} way */
  #step(way) {
    const page = /** @type {Page} */ (this.page);
    const id = page.opened.neighbours[way];
    // A key that is pressed before the way is known is not lost.
    this.pending = id === undefined ? way : null;
    if (id === undefined) return;
    page.say(id === null ? t('noFurther') : '');
    this.isBroken = false;
    if (id) page.state.change({ picture: id });
  }

  /** @param {Picture} picture */
  async #copyLink({ id }) {
    const link = `${location.origin}/p/${id}`;
    try {
      await navigator.clipboard.writeText(link);
      this.page?.say(t('linkCopied'));
      setTimeout(() => this.page?.say(''), LINK_SAID_MS);
    } catch {
      this.page?.say(t('linkShown', { link }));
    }
  }

  #report() {
    /** @type {import('./report.js').ReportElement | null} */ (this.querySelector('dl-report'))?.show();
  }

  /** @param {'prev' | 'next'} way */
  #stepButton(way) {
    const { opened } = /** @type {Page} */ (this.page);
    const words = opened.isInSequence ? { prev: 'previous', next: 'next' } : { prev: 'behind', next: 'ahead' };
    return html`<button
      class="button icon step-${way}"
      aria-label=${t(words[way])}
      title=${t(words[way])}
      aria-disabled=${opened.neighbours[way] ? 'false' : 'true'}
      @click=${() => this.#step(way)}
    >
      ${way === 'prev' ? signs.back() : signs.forward()}
    </button>`;
  }

  /** @param {Picture} picture */
  #photo(picture) {
    const { properties } = picture;
    const alt = t('pictureAlt', { point: compassPoint(properties['view:azimuth']), when: captured(properties) });
    return html`<dl-photo
      class="photo"
      .src=${pictureHref(picture)}
      .preview=${thumbnailHref(picture)}
      .alt=${alt}
      @shown=${() => (this.isBroken = false)}
      @broken=${() => (this.isBroken = true)}
    ></dl-photo>`;
  }

  /** @param {Picture} picture */
  #stage(picture) {
    const isFull = /** @type {Page} */ (this.page).state.shown.full;
    const fullButton = html`<button
      class="button icon"
      aria-label=${t(isFull ? 'leaveFullScreen' : 'fullScreen')}
      title=${t(isFull ? 'leaveFullScreen' : 'fullScreen')}
      @click=${() => this.#toggleFull()}
    >
      ${isFull ? signs.close() : signs.full()}
    </button>`;
    const steps = html`${this.#stepButton('prev')} ${this.#stepButton('next')}`;
    if (!isFull) {
      return html`<div class="stage">
        ${this.#photo(picture)}
        ${this.isBroken ? html`<p class="stage-broken">${t('pictureFailedTitle')}</p>` : nothing}
      </div>
      <div class="stage-bar">${steps}<span class="stage-space"></span>${this.#zooms()}${fullButton}</div>`;
    }
    return html`<dialog class="full" aria-label=${t('pictureTitle', { when: captured(picture.properties) })} @cancel=${(/** @type {Event} */ event) => event.preventDefault()}>
      ${this.#photo(picture)}
      <div class="full-bar">
        ${steps}
        <p class="full-caption">${captured(picture.properties)} · ${compassPoint(picture.properties['view:azimuth'])}</p>
        ${this.#zooms()} ${fullButton}
      </div>
    </dialog>`;
  }

  #zooms() {
    const zooms = /** @type {const} */ ([
      [-1, 'zoomOut', signs.minus],
      [1, 'zoomIn', signs.plus],
    ]);
    return zooms.map(
      ([direction, words, sign]) =>
        html`<button class="button icon" aria-label=${t(words)} title=${t(words)} @click=${() => this.photo?.zoomBy(direction)}>
          ${sign()}
        </button>`,
    );
  }

  /** @param {Picture} picture */
  #facts({ geometry, properties }) {
    const { places, state } = /** @type {Page} */ (this.page);
    const heading = properties['view:azimuth'];
    const place = nearestName(places, geometry.coordinates);
    const [licenceName, licenceHref] = licence(properties.license);
    const painted = redactionsInWords(properties.redactions);
    const [lon, lat] = geometry.coordinates;
    const toMap = () => this.page?.goTo({ lon, lat, zoom: Math.max(17, state.shown.at?.zoom ?? 17) });
    return html`<dl class="facts">
      <div class="fact-policy policy-${properties.policy}">
        <dt>${policyShape(properties.policy)} ${t(`policy_${properties.policy}`)}</dt>
        <dd>${t(`policySentence_${properties.policy}`)}</dd>
      </div>
      <div>
        <dt>${t('where')}</dt>
        <dd>
          <button class="link-button" title=${t('showOnMap')} @click=${toMap}>${coordinates(geometry.coordinates)}</button>
          ${place ? html`<br /><span class="quiet">${t('nearestName', { name: place })}</span>` : nothing}
          ${properties.accuracy_m
            ? html`<br /><span class="quiet">${t('accuracy', { n: Math.ceil(properties.accuracy_m) })}</span>`
            : nothing}
        </dd>
      </div>
      <div class="fact-heading">
        <dt>${t('heading')}</dt>
        <dd>${compass(heading)} ${t('headingValue', { point: compassPoint(heading), n: Math.round(heading) % 360 })}</dd>
      </div>
      <div>
        <dt>${t('painted')}</dt>
        <dd>${painted ?? t('paintedNothing')}</dd>
      </div>
      <div>
        <dt>${t('licence')}</dt>
        <dd>
          ${licenceHref ? html`<a href=${licenceHref} rel="license noreferrer">${licenceName}</a>` : licenceName}
          ${properties.attribution ? html`<br /><span class="quiet">${t('attribution')} ${properties.attribution}</span>` : nothing}
        </dd>
      </div>
    </dl>`;
  }

  /** @param {Picture} picture */
  #acts(picture) {
    return html`<div class="acts">
        <button class="button" @click=${() => this.#copyLink(picture)}>${signs.link()} ${t('copyLink')}</button>
        <a class="button" href=${pictureHref(picture)} download="dashlight-${picture.id}.jpg">${signs.download()} ${t('download')}</a>
        ${isEmbedded
          ? html`<a class="button" href="/p/${picture.id}" target="_blank" rel="noopener">${t('openPicture')}</a>`
          : html`<button class="button" @click=${() => this.#report()}>${signs.flag()} ${t('report')}</button>`}
      </div>
      <p class="small quiet keys">${t('viewerKeys')}</p>
      <dl-report .picture=${picture} @sent=${(/** @type {CustomEvent} */ event) => this.page?.reported(picture.id, event.detail)}></dl-report>`;
  }

  /** @param {string} key @param {unknown} next */
  #message(key, next) {
    return html`<div class="message" data-state=${key}>
      <p>${t(`${key}Text`, { reason: this.page?.opened.reason ?? '' })}</p>
      ${next}
    </div>`;
  }

  /** What stands in the way of showing the picture: the first half of the keys of its words; empty when nothing does. */
  #trouble() {
    const { picture, status } = /** @type {Page} */ (this.page).opened;
    const troubles = { gone: 'pictureGone', unknown: 'pictureUnknown', failed: 'pictureFailed', offline: picture ? '' : 'offline' };
    return /** @type {Record<string, string>} */ (troubles)[status] ?? '';
  }

  #body() {
    const page = /** @type {Page} */ (this.page);
    const { picture, id } = page.opened;
    const trouble = this.#trouble();
    if (trouble === 'pictureGone' || trouble === 'pictureUnknown') {
      return this.#message(trouble, html`<button class="button" @click=${() => page.close()}>${t('backToList')}</button>`);
    }
    if (trouble) {
      return this.#message(trouble, html`<button class="button" @click=${() => page.opened.open(id)}>${t('tryAgain')}</button>`);
    }
    if (!picture) {
      return html`<div class="skeleton skeleton-photo"></div>
        <div class="skeleton skeleton-line"></div>
        <div class="skeleton skeleton-line"></div>`;
    }
    return html`${this.#stage(picture)} ${this.#facts(picture)} ${this.#acts(picture)}`;
  }

  render() {
    if (!this.page) return nothing;
    const { picture } = this.page.opened;
    const trouble = this.#trouble();
    const title = picture && !trouble ? captured(picture.properties) : t(trouble ? `${trouble}Title` : 'pictureLoading');
    return html`<article class="viewer" aria-labelledby="viewer-title">
      <header class="viewer-head">
        <button class="button plain icon" aria-label=${t('backToList')} title=${t('backToList')} @click=${() => this.page?.close()}>
          ${signs.back()}
        </button>
        <h2 class="viewer-title" id="viewer-title" tabindex="-1">${title}</h2>
      </header>
      <p class="said" role="status">${this.page.said}</p>
      ${this.#body()}
    </article>`;
  }
}

customElements.define('dl-viewer', ViewerElement);
