/** Starts the map page. */

import './layers-menu.js';
import './map-element.js';
import './panel.js';
import './search.js';
import './share.js';
import './time.js';

import { isEmbedded, showStrip } from './embed.js';
import { signs } from './icons.js';
import { Page } from './page.js';
import { language, t } from './text.js';

import { html, render } from 'lit';

/** @param {string} selector @returns {any} */
const part = (selector) => document.querySelector(selector);

document.documentElement.lang = language;

const about = part('.bar-about');
about.replaceChildren();
about.setAttribute('aria-label', t('about'));
render(html`<span class="about-sign">${signs.about()}</span><span class="about-words">${t('about')}</span>`, about);

// On a narrow screen the bar is as high as the name needs; what opens below it follows.
const bar = part('.bar');
new ResizeObserver(() => document.documentElement.style.setProperty('--bar-height', `${bar.offsetHeight}px`)).observe(bar);

const page = new Page({
  map: part('dl-map'),
  maps: part('#maps'),
  panel: part('dl-panel'),
  search: part('dl-search'),
  time: part('dl-time'),
  layers: part('dl-layers'),
  share: part('dl-share'),
  name: part('#instance-name'),
});
if (isEmbedded) {
  showStrip(page);
  if (matchMedia('(max-width: 699px)').matches) part('dl-panel').height = 'low';
}
page.start();
