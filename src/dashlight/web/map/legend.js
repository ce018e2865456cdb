/** `<dl-legend>`: what colours, shapes and wedges mean at this zoom. */

import { html, nothing } from 'lit';

import { POLICIES, policyShape } from './icons.js';
import { PICTURES_ZOOM } from './layers.js';
import { LightElement } from './light.js';
import { t } from './text.js';
import { AGES } from './theme.js';

export class LegendElement extends LightElement {
  static properties = { zoom: { type: Number } };

  constructor() {
    super();
    this.zoom = 0;
  }

  render() {
    const isClose = this.zoom >= PICTURES_ZOOM;
    return html`<section class="legend" aria-label=${t('legend')}>
      <h3 class="legend-title">${t(isClose ? 'legendAgeOne' : 'legendAge')}</h3>
      <ul class="ages">
        ${AGES.map((age) => html`<li><span class="age age-${age}"></span>${t(`age_${age}`)}</li>`)}
      </ul>
      ${isClose
        ? html`<h3 class="legend-title">${t('legendPolicy')}</h3>
            <ul class="shapes">
              ${POLICIES.map((policy) => html`<li>${policyShape(policy)} ${t(`policy_${policy}`)}</li>`)}
            </ul>
            <p class="small quiet">${t('legendHeading')}</p>`
        : nothing}
    </section>`;
  }
}

customElements.define('dl-legend', LegendElement);
