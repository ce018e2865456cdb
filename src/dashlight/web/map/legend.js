/** `<dl-legend>`: what colours, shapes and wedges mean at this zoom. */

import { html, nothing } from 'lit';

import { shortDay } from './format.js';
import { POLICIES, policyShape } from './icons.js';
import { AREA_AMOUNTS, PICTURES_ZOOM, STREETS_ZOOM, STREET_AMOUNTS } from './layers.js';
import { LightElement } from './light.js';
import { locale, t } from './text.js';
import { AGES } from './theme.js';
import { EVERYTHING, isNarrowed } from './wanted.js';

const number = new Intl.NumberFormat(locale);

/** Return the bands of amounts in words, the palest first. @param {readonly number[]} amounts */
function amountWords(amounts) {
  const bands = [1, ...amounts].map((least, index) => [least, amounts[index] ? amounts[index] - 1 : null]);
  return bands.map(([least, most]) => {
    if (most === null) return `${number.format(Number(least))}+`;
    return least === most ? number.format(Number(least)) : `${number.format(Number(least))}–${number.format(Number(most))}`;
  });
}

export class LegendElement extends LightElement {
  static properties = { zoom: { type: Number }, layer: {}, wanted: { attribute: false }, isCompared: { type: Boolean } };

  constructor() {
    super();
    this.zoom = 0;
    /** @type {'age' | 'amount'} */
    this.layer = 'age';
    this.wanted = EVERYTHING;
    this.isCompared = false;
  }

  #ages() {
    const isClose = this.zoom >= PICTURES_ZOOM;
    const { on } = this.wanted;
    const words = t(isClose ? 'legendAgeOne' : 'legendAge');
    const then = on ? t('legendAgeOn', { words, day: shortDay(on) }) : words;
    return html`<h3 class="legend-title">${this.isCompared ? t('legendAgeEach', { words }) : then}</h3>
      <ul class="ages">
        ${AGES.map((age) => html`<li><span class="age age-${age}"></span>${t(`age_${age}`)}</li>`)}
      </ul>`;
  }

  #amounts() {
    const isStreet = this.zoom >= STREETS_ZOOM;
    const bands = amountWords(isStreet ? STREET_AMOUNTS : AREA_AMOUNTS);
    return html`<h3 class="legend-title">${t(isStreet ? 'legendAmountStreet' : 'legendAmount')}</h3>
      <ul class="ages">
        ${[...AGES].reverse().map((age, index) => html`<li><span class="age age-${age}"></span>${bands[index]}</li>`)}
      </ul>`;
  }

  render() {
    const isClose = this.zoom >= PICTURES_ZOOM;
    const scale = this.layer === 'age' ? this.#ages() : isClose ? nothing : this.#amounts();
    return html`<section class="legend" aria-label=${t('legend')}>
      ${scale}
      ${isClose
        ? html`<h3 class="legend-title">${t('legendPolicy')}</h3>
            <ul class="shapes">
              ${POLICIES.map((policy) => html`<li>${policyShape(policy)} ${t(`policy_${policy}`)}</li>`)}
            </ul>
            <p class="small quiet">${t('legendHeading')}</p>`
        : nothing}
      ${!isClose && isNarrowed(this.wanted) ? html`<p class="small quiet legend-note">${t('legendUnfiltered')}</p>` : nothing}
    </section>`;
  }
}

customElements.define('dl-legend', LegendElement);
