/** The map on somebody else's page: no bar, and a strip that says whose map it is and where all of it is. */

import { formatAddress } from './address.js';
import { licence } from './format.js';
import { t } from './text.js';

import { html, render } from 'lit';

/** Whether this page is shown inside another one. */
export const isEmbedded = document.documentElement.classList.contains('embed');

/** Keep the strip up to what is shown. @param {import('./page.js').Page} page */
export function showStrip(page) {
  const strip = document.createElement('footer');
  strip.className = 'strip';
  document.body.append(strip);
  const refresh = () => {
    const { instance, state } = page;
    const [name, href] = licence(instance?.license ?? '');
    render(
      html`<h1 class="strip-name">${instance?.name ?? 'dashlight'}</h1>
        ${href ? html`<a href=${href} rel="license noreferrer" target="_blank">${name}</a>` : html`<span>${name}</span>`}
        <a class="strip-open" href="/${formatAddress(state.shown)}" target="_blank" rel="noopener">${t('openMap')}</a>`,
      strip,
    );
  };
  page.state.addEventListener('change', refresh);
  page.view.addEventListener('change', refresh);
  refresh();
}
