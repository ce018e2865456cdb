/**
 * `<dl-search>`: go to a place by name, coordinates, H3 cell or link.
 *
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./find.js').Found} Found
 */

import { html, nothing } from 'lit';

import { search } from './find.js';
import { signs } from './icons.js';
import { LightElement } from './light.js';
import { t } from './text.js';

export class SearchElement extends LightElement {
  static properties = {
    page: { attribute: false },
    text: { state: true },
    found: { state: true },
    active: { state: true },
    isOpen: { state: true },
    isLink: { state: true },
  };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
    this.text = '';
    /** @type {Found[]} */
    this.found = [];
    this.active = -1;
    this.isOpen = false;
    this.isLink = false;
    this.onSlash = (/** @type {KeyboardEvent} */ event) => this.#slash(event);
    this.addEventListener('focusout', (event) => {
      if (!this.contains(/** @type {Node | null} */ (event.relatedTarget))) this.isOpen = false;
    });
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener('keydown', this.onSlash);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.onSlash);
  }

  /** A slash goes to the search, as on most maps. @param {KeyboardEvent} event */
  #slash(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.key !== '/' || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest('input, textarea, select, dialog')) return;
    event.preventDefault();
    this.part$('.search-field')?.focus();
  }

  /** @param {string} text */
  async #typed(text) {
    this.text = text;
    const { found, isLink } = text.trim() ? await search(text) : { found: [], isLink: false };
    if (text !== this.text) return;
    this.found = found;
    this.isLink = isLink;
    this.active = found.length ? 0 : -1;
    this.isOpen = text.trim().length > 1;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === 'Escape' && (this.isOpen || this.text)) {
      if (!this.isOpen) this.#typed('');
      this.isOpen = false;
    } else if (event.key === 'Enter') {
      if (this.found[this.active]) this.#choose(this.found[this.active]);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.isOpen = this.text.trim().length > 1;
      this.active = this.found.length ? (this.active + step + this.found.length) % this.found.length : -1;
    } else return;
    event.preventDefault();
  }

  /** @param {Found} found */
  #choose({ lon, lat, zoom, name, id }) {
    this.text = id ? '' : name;
    this.isOpen = false;
    this.found = [];
    if (id) this.page?.openAnywhere(id);
    else this.page?.goTo({ lon, lat, zoom });
  }

  #results() {
    if (!this.isOpen) return nothing;
    if (!this.found.length) return html`<p class="results results-none">${t(this.isLink ? 'searchLinkNothing' : 'searchNothing')}</p>`;
    return html`<ul class="results" role="listbox" id="search-results" aria-label=${t('searchLabel')}>
      ${this.found.map(
        (each, index) => html`<li
          class="result"
          role="option"
          id="result-${index}"
          aria-selected=${index === this.active ? 'true' : 'false'}
          @pointerdown=${(/** @type {Event} */ event) => event.preventDefault()}
          @click=${() => this.#choose(each)}
        >
          <span>${each.name}</span> <span class="small quiet">${each.note}</span>
        </li>`,
      )}
    </ul>`;
  }

  render() {
    const listed = this.isOpen && this.found.length > 0;
    return html`<search class="search">
      <span class="search-sign">${signs.search()}</span>
      <input
        class="field search-field"
        type="text"
        role="combobox"
        inputmode="search"
        enterkeyhint="go"
        autocomplete="off"
        spellcheck="false"
        aria-label=${t('searchLabel')}
        placeholder=${t('searchHint')}
        aria-expanded=${listed ? 'true' : 'false'}
        aria-controls=${listed ? 'search-results' : nothing}
        aria-activedescendant=${listed ? `result-${this.active}` : nothing}
        aria-autocomplete="list"
        .value=${this.text}
        @input=${(/** @type {any} */ event) => this.#typed(event.target.value)}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this.#key(event)}
      />
      ${this.#results()}
      <span class="only-read" role="status">${this.isOpen ? t('searchResults', { n: this.found.length }) : ''}</span>
    </search>`;
  }
}

customElements.define('dl-search', SearchElement);
