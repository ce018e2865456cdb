/**
 * `<dl-list>`: what is in view, as a list. The map's content for everybody who cannot or would rather not use a map.
 *
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./types.js').Picture} Picture
 */

import { html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import { thumbnailHref } from './api.js';
import { dayOfNumber } from './days.js';
import { capturedBriefly, compassPoint, coordinates, shortDay } from './format.js';
import { policyShape } from './icons.js';
import { LightElement } from './light.js';
import { nearestName } from './places.js';
import { t } from './text.js';
import { countUpTo, isNarrowed } from './wanted.js';

const MOST_AREAS = 8;

export class ListElement extends LightElement {
  static properties = { page: { attribute: false } };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
  }

  /** @param {string} id */
  focusOn(id) {
    const card = /** @type {HTMLElement | null} */ (this.querySelector(`[data-id="${CSS.escape(id)}"]`));
    (card ?? this.querySelector('h2'))?.focus();
  }

  #heading() {
    const { view, arrived } = /** @type {Page} */ (this.page);
    const unknown = view.cursor ? t('inViewMore', { n: view.pictures.length }) : t('inViewUnknown');
    const title = view.total === null ? unknown : t('inView', { n: view.total });
    return html`<div class="list-head">
      <h2 tabindex="-1" id="list-title">${title}</h2>
      ${arrived
        ? html`<p class="badge-fresh">${t('arrived', { n: arrived })}</p>`
        : html`<p class="quiet small">${t('newestFirst')}</p>`}
    </div>`;
  }

  /** @param {Picture} picture */
  #card(picture) {
    const page = /** @type {Page} */ (this.page);
    const { id, properties } = picture;
    const { policy } = properties;
    const heading = properties['view:azimuth'];
    return html`<li>
      <button
        class="card"
        data-id=${id}
        @click=${() => page.open(id)}
        @mouseenter=${() => page.hover(picture)}
        @mouseleave=${() => page.hover(null)}
        @focus=${() => page.hover(picture)}
        @blur=${() => page.hover(null)}
      >
        <img class="card-image" src=${thumbnailHref(picture)} alt="" loading="lazy" decoding="async" width="112" height="72" />
        <span class="card-text">
          <span class="card-when">${capturedBriefly(properties)}</span>
          <span class="quiet small">${t('heading')} ${compassPoint(heading)}</span>
          <span class="card-policy small">
            ${policyShape(policy)} ${t(`policy_${policy}`)}
            ${page.view.fresh.has(id) ? html`<span class="tag-fresh">${t('fresh')}</span>` : nothing}
          </span>
        </span>
      </button>
    </li>`;
  }

  #areas() {
    const page = /** @type {Page} */ (this.page);
    if (!page.areas.length) return nothing;
    return html`<section class="areas" aria-labelledby="areas-title">
      <h3 id="areas-title">${t('areas')}</h3>
      <ul class="area-list">
        ${page.areas.slice(0, MOST_AREAS).map(({ lon, lat, n, day }) => {
          const where = coordinates([lon, lat], 1);
          const place = nearestName(page.places, [lon, lat]);
          return html`<li>
            <button class="area" @click=${() => page.goTo({ lon, lat, zoom: Math.min((page.state.shown.at?.zoom ?? 2) + 3, 12) })}>
              <span>${place ? t('areaNear', { place, where }) : where}</span>
              <span class="quiet small">${t('areaCount', { n, day: shortDay(dayOfNumber(day)) })}</span>
            </button>
          </li>`;
        })}
      </ul>
      <h3>${t('newestFirst')}</h3>
    </section>`;
  }

  #skeleton() {
    return html`<p class="only-read" role="status">${t('loading')}</p>
      <div aria-hidden="true">
        ${[1, 2, 3, 4].map(() => html`<div class="skeleton skeleton-card"></div>`)}
      </div>`;
  }

  #empty() {
    const { view, state, instance, showAll } = /** @type {Page} */ (this.page);
    const { shown } = state;
    if (instance && instance.pictures === 0) {
      return this.#message('emptyInstance', html`<a class="button" href="/about#contribute">${t('howToContribute')}</a>`);
    }
    if (isNarrowed(shown)) {
      return this.#message('emptyFilters', this.#clear('clearFilters', { policies: null, heading: null }));
    }
    if (shown.from || shown.to || shown.asof || shown.compare) {
      const all = { from: null, to: null, asof: null, compare: null, list: /** @type {const} */ ('after') };
      return this.#message('emptyDates', this.#clear('clearDates', all));
    }
    return this.#message(
      'empty',
      instance?.bbox && view.status === 'ready'
        ? html`<button class="button" @click=${() => showAll()}>${t('showAll')}</button>`
        : nothing,
    );
  }

  /** @param {string} words @param {Partial<import('./state.js').Shown>} patch */
  #clear(words, patch) {
    return html`<button class="button" @click=${() => this.page?.state.change(patch, { push: true })}>${t(words)}</button>`;
  }

  /** Both sides of a comparison in words; either can be listed. */
  #compared() {
    const { view, state } = /** @type {Page} */ (this.page);
    const { compare, asof, list } = state.shown;
    if (!compare) return nothing;
    const side = (/** @type {import('./wanted.js').Side} */ name, /** @type {string | null} */ day) => {
      const words = t('asOf', { day: day ? shortDay(day) : t('today') });
      const count = view.days ? t('countPictures', { n: countUpTo(view.days, day) }) : '';
      return html`<button
        class="button compared-side"
        aria-pressed=${list === name ? 'true' : 'false'}
        @click=${() => state.change({ list: name }, { push: true })}
      >
        <span>${words}</span><span class="small quiet">${count}</span>
      </button>`;
    };
    return html`<div class="compared" role="group" aria-label=${t('comparedList')}>${side('before', compare)} ${side('after', asof)}</div>`;
  }

  /** @param {string} key @param {unknown} next */
  #message(key, next) {
    return html`<div class="message" data-state=${key}>
      <h2 tabindex="-1">${t(`${key}Title`)}</h2>
      <p>${t(`${key}Text`, { reason: this.page?.view.reason ?? '' })}</p>
      ${next}
    </div>`;
  }

  render() {
    if (!this.page) return nothing;
    const { view } = this.page;
    if (view.status === 'loading') return this.#skeleton();
    if (view.status === 'failed') {
      return this.#message('failed', html`<button class="button" @click=${() => view.reload()}>${t('tryAgain')}</button>`);
    }
    if (!view.pictures.length && view.status === 'offline') return nothing; // The panel's notice says it.
    if (!view.pictures.length) return html`${this.#compared()} ${this.#empty()}`;
    return html`
      ${this.#compared()} ${this.#heading()} ${this.#areas()}
      <ul class="cards" aria-labelledby="list-title">
        ${repeat(view.pictures, ({ id }) => id, (picture) => this.#card(picture))}
      </ul>
      ${view.cursor
        ? html`<button class="button more" ?disabled=${view.isLoadingMore} @click=${() => view.more()}>
            ${t(view.isLoadingMore ? 'loadingMore' : 'showMore')}
          </button>`
        : nothing}
    `;
  }
}

customElements.define('dl-list', ListElement);
