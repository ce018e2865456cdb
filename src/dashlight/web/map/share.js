/**
 * `<dl-share>`: a link to what is shown, a piece of HTML that shows it elsewhere, and what is in view as a file.
 *
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./download.js').Format} Format
 */

import { html, nothing } from 'lit';

import { formatAddress } from './address.js';
import { Unreachable, reasonOf } from './api.js';
import { MEDIA_TYPES, MOST_PICTURES, asCsv, asGeoJson, collected, fileName, save } from './download.js';
import { signs } from './icons.js';
import { LightElement } from './light.js';
import { t } from './text.js';

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/** Return the HTML that shows a view of the map on another page. @param {string} href @param {string} title */
export function embedCode(href, title) {
  return `<iframe src="${escaped(href)}" title="${escaped(title)}" width="100%" height="480" style="border:0" loading="lazy" allowfullscreen></iframe>`;
}

export class ShareElement extends LightElement {
  static properties = { page: { attribute: false }, said: { state: true }, taken: { state: true }, isOpen: { state: true } };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
    this.said = '';
    this.isOpen = false;
    /** @type {number | null} how many pictures have come, while a file is made */
    this.taken = null;
    /** @type {AbortController | null} */
    this.making = null;
  }

  /** @param {string} place */
  #href(place) {
    const { shown } = /** @type {Page} */ (this.page).state;
    return `${location.origin}${place}${formatAddress(shown)}`;
  }

  /** @param {string} selector */
  async #copy(selector) {
    const field = /** @type {HTMLInputElement} */ (this.querySelector(selector));
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      this.said = t('copied');
    } catch {
      this.said = t('copyByHand'); // Without a secure connection browsers let nobody else copy.
    }
  }

  /** @param {Format} format */
  async #download(format) {
    const page = /** @type {Page} */ (this.page);
    const { bounds, wanted } = page.view;
    if (!bounds || this.making) return;
    this.making = new AbortController();
    const { signal } = this.making;
    this.taken = 0;
    this.said = '';
    try {
      const { pictures, isCut } = await collected(bounds, wanted, { signal, onProgress: (n) => (this.taken = n) });
      const at = new Date();
      const source = { name: page.instance?.name ?? location.host, origin: location.origin, wanted, bounds, isCut, at };
      const text = format === 'csv' ? asCsv(pictures, source) : asGeoJson(pictures, source);
      save(fileName(format, at), text, MEDIA_TYPES[format]);
      this.said = t(isCut ? 'downloadCut' : 'downloaded', { n: pictures.length });
    } catch (error) {
      if (!signal.aborted) {
        const reason = error instanceof Unreachable ? t('reportUnreachable') : reasonOf(error);
        this.said = t('downloadFailed', { reason });
      }
    } finally {
      this.making = null;
      this.taken = null;
    }
  }

  /** @param {string} name @param {string} value @param {string} copy */
  #field(name, value, copy) {
    return html`<label class="label" for="share-${name}">${t(`share_${name}`)}</label>
      <div class="share-row">
        <input class="field" id="share-${name}" readonly .value=${value} @focus=${(/** @type {any} */ event) => event.target.select()} />
        <button class="button" aria-label=${t(copy)} @click=${() => this.#copy(`#share-${name}`)}>${t('copy')}</button>
      </div>`;
  }

  #downloads() {
    const { view } = /** @type {Page} */ (this.page);
    if (this.taken !== null) {
      const most = Math.min(MOST_PICTURES, view.total ?? MOST_PICTURES);
      return html`<div class="share-row">
        <progress class="progress" max=${Math.max(1, most)} value=${this.taken} aria-label=${t('downloading')}></progress>
        <button class="button" @click=${() => this.making?.abort()}>${t('cancel')}</button>
      </div>`;
    }
    const isNothing = view.status !== 'ready' || !view.pictures.length;
    const button = (/** @type {Format} */ format, /** @type {string} */ words) => html`<button
      class="button"
      data-format=${format}
      aria-label=${t('downloadAs', { format: words })}
      ?disabled=${isNothing}
      @click=${() => this.#download(format)}
    >
      ${signs.download()} ${words}
    </button>`;
    return html`<div class="share-row">${button('geojson', 'GeoJSON')} ${button('csv', 'CSV')}</div>`;
  }

  #content() {
    const { instance, state } = /** @type {Page} */ (this.page);
    const name = instance?.name ?? 'dashlight';
    const isLink = state.shown.at !== null;
    return html`${this.#field('link', isLink ? this.#href('/') : `${location.origin}/`, 'copyLink')}
      <p class="small quiet">${t('shareLinkNote')}</p>
      ${this.#field('embed', embedCode(isLink ? this.#href('/embed') : `${location.origin}/embed`, name), 'copyEmbed')}
      <p class="small quiet">${t('shareEmbedNote')}</p>
      <h2 class="menu-title">${t('downloadTitle')}</h2>
      ${this.#downloads()}
      <p class="small quiet">${t('downloadNote', { n: MOST_PICTURES })}</p>`;
  }

  render() {
    if (!this.page) return nothing;
    return html`<button class="button menu-button share-button plain" popovertarget="share-popover" aria-label=${t('share')} title=${t('share')}>
        ${signs.share()} <span class="menu-words">${t('share')}</span>
      </button>
      <div
        class="popover share-popover"
        id="share-popover"
        popover
        role="dialog"
        aria-label=${t('share')}
        @beforetoggle=${(/** @type {any} */ event) => {
          this.isOpen = event.newState === 'open';
          this.said = '';
        }}
      >
        ${this.isOpen ? this.#content() : nothing}
        <p class="share-said" role="status">${this.said}</p>
      </div>`;
  }
}

customElements.define('dl-share', ShareElement);
