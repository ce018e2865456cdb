/** Starts the map page. */

import './map-element.js';
import './panel.js';
import './search.js';
import './time.js';

import { signs } from './icons.js';
import { Page } from './page.js';
import { language, t } from './text.js';

import { render } from 'lit';

/** @param {string} selector @returns {any} */
const part = (selector) => document.querySelector(selector);

document.documentElement.lang = language;

const about = part('.bar-about');
about.replaceChildren();
about.setAttribute('aria-label', t('about'));
const words = document.createElement('span');
words.className = 'about-words';
words.textContent = t('about');
const sign = document.createElement('span');
sign.className = 'about-sign';
render(signs.about(), sign);
about.append(sign, words);

const page = new Page({
  map: part('dl-map'),
  panel: part('dl-panel'),
  search: part('dl-search'),
  time: part('dl-time'),
  name: part('#instance-name'),
});
page.start();
