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
const MODES = /** @type {const} */ (['period', 'asof', 'compare']);
const PRESETS = /** @type {const} */ ([
  ['lastWeek', 7],
  ['lastMonth', 30],
  ['lastYear', 365],
]);
const AGO = /** @type {const} */ ([
  ['weekAgo', 7],
  ['monthAgo', 30],
  ['yearAgo', 365],
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

/**
 * Return the day by which half of the pictures were there: as good a day as any to compare with now.
 *
 * @param {[string, number][]} days
 * @returns {string | null}
 */
export function middleDay(days) {
  const total = days.reduce((sum, [, n]) => sum + n, 0);
  let sum = 0;
  for (const [day, n] of days) {
    sum += n;
    if (sum * 2 >= total) return day;
  }
  return null;
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
    const { from, to, asof, compare } = page.state.shown;
    const days = (page.view.days ?? []).filter(([, n]) => n > 0).map(([day]) => dayNumber(day));
    const { oldest_day: oldest, newest_day: newest } = page.instance ?? {};
    // What is in view sets the scale; a single old picture elsewhere would leave it no room.
    const whole = days.length ? [] : [oldest, newest];
    const ends = /** @type {string[]} */ ([...whole, from, to, asof, compare].filter(Boolean));
    const known = [...days, ...ends.map(dayNumber)];
    const last = Math.max(today(), ...known);
    return [Math.min(last - 6, ...known), last];
  }

  /** What is chosen: two days, one, or two to compare. @returns {typeof MODES[number]} */
  get mode() {
    const { asof, compare } = /** @type {Page} */ (this.page).state.shown;
    return compare ? 'compare' : asof ? 'asof' : 'period';
  }

  /** The days of the two ends; null is no end, or today. @returns {{first: string | null, last: string | null}} */
  get ends() {
    const { from, to, asof, compare } = /** @type {Page} */ (this.page).state.shown;
    return { first: compare ?? from, last: compare || asof ? asof : to };
  }

  /** @param {typeof MODES[number]} mode */
  #turnTo(mode) {
    const page = /** @type {Page} */ (this.page);
    const { asof } = page.state.shown;
    const none = { from: null, to: null, asof: null, compare: null, list: /** @type {const} */ ('after') };
    if (mode === 'period') page.state.change(none, { push: true });
    else if (mode === 'asof') page.state.change({ ...none, asof: asof ?? dayOfNumber(today()) }, { push: true });
    else page.state.change({ ...none, asof, compare: this.#dayToCompare(asof) }, { push: true });
  }

  /** @param {string | null} asof */
  #dayToCompare(asof) {
    const last = asof ? dayNumber(asof) : today();
    const middle = middleDay((this.page?.view.days ?? []).filter(([day]) => dayNumber(day) < last));
    return middle ?? dayOfNumber(last - 30);
  }

  /** @param {'from' | 'to'} end @param {string | null} day @param {boolean} isDone */
  #choose(end, day, isDone) {
    const { state } = /** @type {Page} */ (this.page);
    let { first, last } = this.ends;
    if (end === 'from') first = day || null;
    else last = day || null;
    if (first && last && first > last) [first, last] = end === 'from' ? [first, first] : [last, last];
    const { mode } = this;
    if (mode === 'period') state.change({ from: first, to: last }, { push: isDone });
    else if (mode === 'asof') state.change({ asof: last ?? dayOfNumber(today()) }, { push: isDone });
    else state.change({ compare: first ?? dayOfNumber(this.range[0]), asof: last }, { push: isDone });
  }

  /** @param {'from' | 'to'} end @param {number} number */
  #slid(end, number) {
    const [first, last] = this.range;
    const isEnd = number === (end === 'from' ? first : last);
    this.#choose(end, isEnd && this.mode !== 'asof' ? null : dayOfNumber(number), false);
  }

  /** @param {number | null} days */
  #preset(days) {
    const from = days ? dayOfNumber(today() - days + 1) : null;
    this.page?.state.change({ from, to: null }, { push: true });
  }

  #label() {
    const { from, to, asof, compare } = /** @type {Page} */ (this.page).state.shown;
    if (compare) return t('datesCompared', { before: shortDay(compare), after: asof ? shortDay(asof) : t('today') });
    if (asof) return t('asOf', { day: shortDay(asof) });
    if (from && from === to) return shortDay(from);
    if (from && to) return t('datesBetween', { from: shortDay(from), to: shortDay(to) });
    if (from) return t('datesFrom', { from: shortDay(from) });
    if (to) return t('datesTo', { to: shortDay(to) });
    return t('datesAll');
  }

  #modes() {
    return html`<fieldset class="segments">
      <legend class="only-read">${t('timeMode')}</legend>
      ${MODES.map(
        (mode) => html`<label class="segment">
          <input class="segment-input" type="radio" name="time-mode" value=${mode} .checked=${this.mode === mode} @change=${() => this.#turnTo(mode)} />
          <span class="segment-words">${t(`time_${mode}`)}</span>
        </label>`,
      )}
    </fieldset>`;
  }

  #histogram() {
    const { view } = /** @type {Page} */ (this.page);
    const { first: from, last: to } = this.mode === 'compare' ? { first: null, last: this.ends.last } : this.ends;
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
      return (!from || end >= from) && (!to || start <= to);
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
    const { first: from, last: to } = this.ends;
    const [first, last] = this.range;
    const slider = (/** @type {'from' | 'to'} */ end, /** @type {number} */ value) => html`<input
      class="slider slider-${end}"
      type="range"
      min=${first}
      max=${last}
      .value=${String(value)}
      aria-label=${t(`${end}Slider_${this.mode}`)}
      aria-valuetext=${shortDay(dayOfNumber(value))}
      @input=${(/** @type {any} */ event) => this.#slid(end, Number(event.target.value))}
    />`;
    return html`<div class="sliders">
      ${this.mode === 'asof' ? nothing : slider('from', from ? dayNumber(from) : first)} ${slider('to', to ? dayNumber(to) : last)}
    </div>`;
  }

  #fields() {
    const { first, last } = this.ends;
    const field = (/** @type {'from' | 'to'} */ end, /** @type {string | null} */ value) => html`<label class="label">
      ${t(`${end}_${this.mode}`)}
      <input class="field" type="date" .value=${value ?? ''} @change=${(/** @type {any} */ event) => this.#choose(end, event.target.value, true)} />
    </label>`;
    return html`<div class="date-fields">${this.mode === 'asof' ? nothing : field('from', first)} ${field('to', this.mode === 'compare' ? (last ?? dayOfNumber(today())) : last)}</div>`;
  }

  /** Days that people often want. */
  #presets() {
    const { state } = /** @type {Page} */ (this.page);
    const { from, to } = state.shown;
    const button = (/** @type {string} */ key, /** @type {() => void} */ act) => html`<button class="button" @click=${act}>${t(key)}</button>`;
    const on = (/** @type {number} */ days) => dayOfNumber(today() - days);
    if (this.mode === 'period') {
      return html`<div class="presets">
        ${PRESETS.map(([key, days]) => button(key, () => this.#preset(days)))}
        <button class="button" ?disabled=${!from && !to} @click=${() => this.#preset(null)}>${t('clearDates')}</button>
      </div>`;
    }
    const change = (/** @type {string} */ day) => state.change(this.mode === 'asof' ? { asof: day } : { compare: day }, { push: true });
    return html`<div class="presets">
      ${AGO.map(([key, days]) => button(key, () => change(on(days))))}
      ${button(this.mode === 'asof' ? 'clearDates' : 'compareEnd', () => this.#turnTo('period'))}
    </div>`;
  }

  render() {
    if (!this.page) return nothing;
    const isFiltered = this.mode !== 'period' || Boolean(this.ends.first || this.ends.last);
    return html`<button class="button time-button ${isFiltered ? 'is-on' : 'plain'}" popovertarget="time-popover" aria-label="${t('dates')}: ${this.#label()}">
        ${signs.calendar()} <span class="time-label">${this.#label()}</span>
      </button>
      <div class="popover time-popover" id="time-popover" popover role="dialog" aria-label=${t('dates')}>
        ${this.#modes()} ${this.#histogram()} ${this.#sliders()} ${this.#fields()} ${this.#presets()}
        <p class="small quiet">${t(`timeNote_${this.mode}`)}</p>
      </div>`;
  }
}

customElements.define('dl-time', TimeElement);
