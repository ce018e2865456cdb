/**
 * `<dl-time>`: which days to show, with the amount of pictures a day as a small histogram.
 *
 * @typedef {import('./page.js').Page} Page
 */

import { html, nothing, svg } from 'lit';

import { dayNumber, dayOfNumber, today } from './days.js';
import { shortDay } from './format.js';
import { signs } from './icons.js';
import { LightElement } from './light.js';
import { t } from './text.js';

const BARS = 48;
const HEIGHT = 56;
const WIDTH = 288;
const PRESETS = /** @type {const} */ ([
  ['lastWeek', 7],
  ['lastMonth', 30],
  ['lastYear', 365],
]);

/**
 * Sum days into bars of equal length.
 *
 * @param {[string, number][]} days
 * @param {number} first day number
 * @param {number} last day number
 * @returns {number[]}
 */
export function bars(days, first, last) {
  const count = Math.min(BARS, last - first + 1);
  const sums = new Array(count).fill(0);
  for (const [day, n] of days) {
    const at = Math.floor(((dayNumber(day) - first) * count) / (last - first + 1));
    if (at >= 0 && at < count) sums[at] += n;
  }
  return sums;
}

export class TimeElement extends LightElement {
  static properties = { page: { attribute: false } };

  constructor() {
    super();
    /** @type {Page | null} */
    this.page = null;
  }

  /** The first and the last day that can be chosen. @returns {[number, number]} */
  get range() {
    const page = /** @type {Page} */ (this.page);
    const { from, to } = page.state.shown;
    const days = (page.view.days ?? []).filter(([, n]) => n > 0).map(([day]) => dayNumber(day));
    const { oldest_day: oldest, newest_day: newest } = page.instance ?? {};
    const ends = /** @type {string[]} */ ([oldest, newest, from, to].filter(Boolean));
    const known = [...days, ...ends.map(dayNumber)];
    const last = Math.max(today(), ...known);
    return [Math.min(last - 6, ...known), last];
  }

  /** @param {'from' | 'to'} end @param {string | null} day @param {boolean} isDone */
  #choose(end, day, isDone) {
    const { state } = /** @type {Page} */ (this.page);
    let from = end === 'from' ? day || null : state.shown.from;
    let to = end === 'to' ? day || null : state.shown.to;
    if (from && to && from > to) [from, to] = end === 'from' ? [from, from] : [to, to];
    state.change({ from, to }, { push: isDone });
  }

  /** @param {'from' | 'to'} end @param {number} number */
  #slid(end, number) {
    const [first, last] = this.range;
    this.#choose(end, number === (end === 'from' ? first : last) ? null : dayOfNumber(number), false);
  }

  /** @param {number | null} days */
  #preset(days) {
    const from = days ? dayOfNumber(today() - days + 1) : null;
    this.page?.state.change({ from, to: null }, { push: true });
  }

  #label() {
    const { from, to } = /** @type {Page} */ (this.page).state.shown;
    if (from && from === to) return shortDay(from);
    if (from && to) return t('datesBetween', { from: shortDay(from), to: shortDay(to) });
    if (from) return t('datesFrom', { from: shortDay(from) });
    if (to) return t('datesTo', { to: shortDay(to) });
    return t('datesAll');
  }

  #histogram() {
    const { view, state } = /** @type {Page} */ (this.page);
    if (!view.days) return html`<p class="quiet small">${t('histogramLoading')}</p>`;
    const total = view.days.reduce((sum, [, n]) => sum + n, 0);
    if (!total) return html`<p class="quiet small">${t('histogramNone')}</p>`;
    const [first, last] = this.range;
    const sums = bars(view.days, first, last);
    const most = Math.max(...sums);
    const width = WIDTH / sums.length;
    const inside = (/** @type {number} */ index) => {
      const start = dayOfNumber(first + Math.floor((index * (last - first + 1)) / sums.length));
      const end = dayOfNumber(first + Math.ceil(((index + 1) * (last - first + 1)) / sums.length) - 1);
      return (!state.shown.from || end >= state.shown.from) && (!state.shown.to || start <= state.shown.to);
    };
    const label = t('histogram', { n: total, from: shortDay(dayOfNumber(first)), to: shortDay(dayOfNumber(last)) });
    return html`<svg class="histogram" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${label} preserveAspectRatio="none">
      ${sums.map((n, index) => {
        const height = n ? Math.max(3, (n / most) * (HEIGHT - 4)) : 0;
        const [x, y] = [index * width, HEIGHT - height];
        return svg`<rect x=${x} y=${y} width=${Math.max(1, width - 1)} height=${height} class=${inside(index) ? 'bar-in' : 'bar-out'} />`;
      })}
      <path d="M0 ${HEIGHT - 0.5}h${WIDTH}" class="histogram-base" />
    </svg>`;
  }

  #sliders() {
    const { from, to } = /** @type {Page} */ (this.page).state.shown;
    const [first, last] = this.range;
    const slider = (/** @type {'from' | 'to'} */ end, /** @type {number} */ value) => html`<input
      class="slider slider-${end}"
      type="range"
      min=${first}
      max=${last}
      .value=${String(value)}
      aria-label=${t(`${end}Slider`)}
      aria-valuetext=${shortDay(dayOfNumber(value))}
      @input=${(/** @type {any} */ event) => this.#slid(end, Number(event.target.value))}
    />`;
    return html`<div class="sliders">
      ${slider('from', from ? dayNumber(from) : first)} ${slider('to', to ? dayNumber(to) : last)}
    </div>`;
  }

  #fields() {
    const { from, to } = /** @type {Page} */ (this.page).state.shown;
    const field = (/** @type {'from' | 'to'} */ end, /** @type {string | null} */ value) => html`<label class="label">
      ${t(end)}
      <input class="field" type="date" .value=${value ?? ''} @change=${(/** @type {any} */ event) => this.#choose(end, event.target.value, true)} />
    </label>`;
    return html`<div class="date-fields">${field('from', from)} ${field('to', to)}</div>`;
  }

  render() {
    if (!this.page) return nothing;
    const { from, to } = this.page.state.shown;
    const isFiltered = Boolean(from || to);
    return html`<button class="button time-button ${isFiltered ? 'is-on' : 'plain'}" popovertarget="time-popover" aria-label="${t('dates')}: ${this.#label()}">
        ${signs.calendar()} <span class="time-label">${this.#label()}</span>
      </button>
      <div class="popover" id="time-popover" popover role="dialog" aria-label=${t('dates')}>
        ${this.#histogram()} ${this.#sliders()} ${this.#fields()}
        <div class="presets">
          ${PRESETS.map(([key, days]) => html`<button class="button" @click=${() => this.#preset(days)}>${t(key)}</button>`)}
          <button class="button" ?disabled=${!isFiltered} @click=${() => this.#preset(null)}>${t('clearDates')}</button>
        </div>
        <p class="small quiet">${t('datesWeekNote')}</p>
      </div>`;
  }
}

customElements.define('dl-time', TimeElement);
