/**
 * `<dl-layers>`: what the colours tell, what else is drawn, and which pictures are shown.
 *
 * @typedef {import('./page.js').Page} Page
 * @typedef {import('./types.js').Policy} Policy
 */

import { html, nothing } from 'lit';

import { dayOfNumber, today } from './days.js';
import { compassPoint } from './format.js';
import { POLICIES, policyShape, signs } from './icons.js';
import { LightElement } from './light.js';
import { t } from './text.js';
import { AGE_DAYS } from './theme.js';
import { isNarrowed } from './wanted.js';

const HEADINGS = [0, 45, 90, 135, 180, 225, 270, 315];
const AGE_WORDS = ['lastWeek', 'lastMonth', 'lastYear'];

export class LayersElement extends LightElement {
  static properties = { page: { attribute: false } };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
  }

  /** @param {Partial<import('./state.js').Shown>} patch */
  #change(patch) {
    this.page?.state.change(patch, { push: true });
  }

  /** @param {Policy} policy @param {boolean} isChosen */
  #policy(policy, isChosen) {
    const before = this.page?.state.shown.policies ?? [...POLICIES];
    const after = POLICIES.filter((each) => (each === policy ? isChosen : before.includes(each)));
    this.#change({ policies: after.length === POLICIES.length ? null : after });
  }

  #colours() {
    const { layer, names } = /** @type {Page} */ (this.page).state.shown;
    const choice = (/** @type {'age' | 'amount'} */ value) => html`<label class="choice">
      <input type="radio" name="layer" .checked=${layer === value} @change=${() => this.#change({ layer: value })} />
      <span>${t(`layer_${value}`)}<span class="small quiet choice-note">${t(`layerNote_${value}`)}</span></span>
    </label>`;
    return html`<fieldset>
        <legend class="menu-title">${t('layerLegend')}</legend>
        ${choice('age')} ${choice('amount')}
      </fieldset>
      <label class="choice">
        <input type="checkbox" .checked=${names} @change=${(/** @type {any} */ event) => this.#change({ names: event.target.checked })} />
        <span>${t('layerNames')}</span>
      </label>`;
  }

  #policies() {
    const chosen = /** @type {Page} */ (this.page).state.shown.policies ?? [...POLICIES];
    return html`<fieldset>
      <legend class="menu-title">${t('filterPolicy')}</legend>
      ${POLICIES.map((policy) => {
        const isChosen = chosen.includes(policy);
        return html`<label class="choice">
          <input
            type="checkbox"
            name="policy"
            value=${policy}
            .checked=${isChosen}
            ?disabled=${isChosen && chosen.length === 1}
            @change=${(/** @type {any} */ event) => this.#policy(policy, event.target.checked)}
          />
          <span class="choice-shape">${policyShape(policy)} ${t(`policy_${policy}`)}</span>
        </label>`;
      })}
    </fieldset>`;
  }

  #selects() {
    const { heading, from, to, asof, compare } = /** @type {Page} */ (this.page).state.shown;
    const ages = AGE_DAYS.map((days) => dayOfNumber(today() - days + 1));
    const age = to || asof || compare ? -1 : ages.indexOf(from ?? '');
    const isOther = Boolean(to || asof || compare || (from && age < 0));
    const choose = (/** @type {string} */ value) => {
      if (value !== 'other') this.#change({ from: value || null, to: null, asof: null, compare: null, list: 'after' });
    };
    return html`<div class="menu-selects">
      <label class="label">
        ${t('filterHeading')}
        <select class="field" name="heading" @change=${(/** @type {any} */ event) => this.#change({ heading: event.target.value === '' ? null : Number(event.target.value) })}>
          <option value="" ?selected=${heading === null}>${t('filterAny')}</option>
          ${HEADINGS.map((each) => html`<option value=${each} ?selected=${heading === each}>${compassPoint(each)}</option>`)}
          ${heading !== null && !HEADINGS.includes(heading) ? html`<option value=${heading} selected>${heading}°</option>` : nothing}
        </select>
      </label>
      <label class="label">
        ${t('filterAge')}
        <select class="field" name="age" @change=${(/** @type {any} */ event) => choose(event.target.value)}>
          <option value="" ?selected=${!isOther && age < 0}>${t('filterAny')}</option>
          ${ages.map((day, index) => html`<option value=${day} ?selected=${age === index}>${t(AGE_WORDS[index])}</option>`)}
          ${isOther ? html`<option value="other" selected>${t('filterOwnDates')}</option>` : nothing}
        </select>
      </label>
    </div>`;
  }

  render() {
    if (!this.page) return nothing;
    const { shown } = this.page.state;
    const isNarrow = isNarrowed(shown);
    const isOn = isNarrow || shown.layer !== 'age' || !shown.names;
    const label = isNarrow ? t('layersOn') : t('layers');
    return html`<button class="button menu-button layers-button ${isOn ? 'is-on' : 'plain'}" popovertarget="layers-popover" aria-label=${label} title=${label}>
        ${signs.layers()} <span class="menu-words">${t('layers')}</span>
      </button>
      <div class="popover layers-popover" id="layers-popover" popover role="dialog" aria-label=${t('layers')}>
        ${this.#colours()} ${this.#policies()} ${this.#selects()}
        <p class="small quiet menu-note">${t('filterNote')}</p>
        <button class="button" ?disabled=${!isOn} @click=${() => this.#change({ policies: null, heading: null, layer: 'age', names: true })}>
          ${t('layersReset')}
        </button>
      </div>`;
  }
}

customElements.define('dl-layers', LayersElement);
