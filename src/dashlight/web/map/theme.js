/**
 * The design tokens as colours for the map, so that styles/tokens.css stays their only home.
 *
 * @typedef {{sea: string, land: string, coast: string, border: string, label: string, labelHalo: string,
 *   ages: [string, string, string, string], dataHalo: string, selected: string}} Theme
 */

/** Days after which a picture falls into the next band of ages; see the legend. */
export const AGE_DAYS = /** @type {const} */ ([7, 30, 365]);
export const AGES = /** @type {const} */ (['week', 'month', 'year', 'older']);

const dark = matchMedia('(prefers-color-scheme: dark)');

/** @returns {Theme} */
export function theme() {
  const tokens = getComputedStyle(document.documentElement);
  const of = (/** @type {string} */ name) => tokens.getPropertyValue(`--${name}`).trim();
  return {
    sea: of('map-sea'),
    land: of('map-land'),
    coast: of('map-coast'),
    border: of('map-border'),
    label: of('map-label'),
    labelHalo: of('map-label-halo'),
    ages: [of('age-week'), of('age-month'), of('age-year'), of('age-older')],
    dataHalo: of('data-halo'),
    selected: of('selected'),
  };
}

/** Call back when light turns dark or dark light; return what ends that. @param {() => void} then */
export function onThemeChange(then) {
  dark.addEventListener('change', then);
  return () => dark.removeEventListener('change', then);
}

export function reducedMotion() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
