/**
 * The map's style: the basemap that is shipped, and the layers of pictures.
 *
 * @typedef {import('maplibre-gl').StyleSpecification} Style
 * @typedef {import('maplibre-gl').LayerSpecification} Layer
 * @typedef {import('maplibre-gl').ExpressionSpecification} Expression
 * @typedef {import('./theme.js').Theme} Theme
 * @typedef {import('./wanted.js').Wanted} Wanted
 * @typedef {{layer: 'age' | 'amount', names: boolean}} Look  what the colours tell, and whether places are named
 * @typedef {{type: 'FeatureCollection', features: any[]}} Features
 */

import { queryOf } from './api.js';
import { dayNumber, today } from './days.js';
import { AGE_DAYS, AGES } from './theme.js';
import { HALF_VIEW_DEG } from './wanted.js';

export const PICTURES_ZOOM = 14; // From here on pictures are dots,
export const EVERY_PICTURE_ZOOM = 17; // from here on every one; before, where they would overlap, one of several.
export const STREETS_ZOOM = 11;

/** From how many pictures on a cell falls into the next band of amounts: an area's, and a piece of street's. */
export const AREA_AMOUNTS = /** @type {const} */ ([10, 100, 1000]);
export const STREET_AMOUNTS = /** @type {const} */ ([2, 5, 10]);

export const NOTHING = /** @type {Features} */ ({ type: 'FeatureCollection', features: [] });

/** Return the addresses of the tiles for a range of days. @param {Pick<Wanted, 'from' | 'to'>} wanted */
export function tileAddresses({ from, to }) {
  return [`${location.origin}/v1/tiles/{z}/{x}/{y}.mvt${queryOf({ from, to })}`];
}

/** Return an expression of the style as one; MapLibre's types cannot follow how ours are put together. @param {unknown[]} parts */
const expression = (parts) => /** @type {Expression} */ (/** @type {unknown} */ (parts));

/** @typedef {{theme: Theme, wanted: Wanted, look: Look}} Drawn */

/** @param {readonly string[]} values one for each band of ages @param {Wanted} wanted @returns {Expression} */
function byAge(values, { on }) {
  const age = ['-', on ? dayNumber(on) : today(), ['get', 'day']];
  const steps = AGE_DAYS.flatMap((days, index) => [days, values[index + 1]]);
  return expression(['step', age, values[0], ...steps]);
}

/** @param {readonly string[]} values from the palest @param {readonly number[]} amounts @returns {Expression} */
function byAmount(values, amounts) {
  const steps = amounts.flatMap((amount, index) => [amount, values[index + 1]]);
  return expression(['step', ['coalesce', ['get', 'n'], 1], values[0], ...steps]);
}

/** The colour of a cell. @param {Drawn} drawn @param {readonly number[]} amounts @returns {Expression} */
function cellColour({ theme, wanted, look }, amounts) {
  return look.layer === 'amount' ? byAmount([...theme.ages].reverse(), amounts) : byAge(theme.ages, wanted);
}

/** The name of a picture's image; see mapImages. One picture is one picture: then only shape and wedge tell. @param {Drawn} drawn */
function imageName({ wanted, look }) {
  return expression(['concat', ['get', 'policy'], '-', look.layer === 'amount' ? AGES[0] : byAge(AGES, wanted)]);
}

/** @param {Theme} theme @returns {Layer[]} */
function basemapLayers(theme) {
  return /** @type {Layer[]} */ ([
    { id: 'sea', type: 'background', paint: { 'background-color': theme.sea } },
    { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': theme.land, 'fill-antialias': true } },
    { id: 'coast', type: 'line', source: 'land', paint: { 'line-color': theme.coast, 'line-width': 0.75 } },
    {
      id: 'states',
      type: 'line',
      source: 'states',
      minzoom: 3,
      paint: { 'line-color': theme.border, 'line-width': 0.75, 'line-dasharray': [3, 2] },
    },
    { id: 'borders', type: 'line', source: 'borders', paint: { 'line-color': theme.border, 'line-width': 1.25 } },
  ]);
}

/** Names stand above the coverage, so that it does not hide where it is. @param {Drawn} drawn @returns {Layer[]} */
function nameLayers({ theme, look }) {
  const visibility = look.names ? 'visible' : 'none';
  const name = { visibility, 'text-field': expression(['get', 'name']), 'text-font': ['system-ui', 'sans-serif'], 'text-max-width': 8 };
  const halo = { 'text-color': theme.label, 'text-halo-color': theme.labelHalo, 'text-halo-width': 1.5 };
  const from = (/** @type {number} */ offset) => expression(['>=', ['zoom'], ['+', ['get', 'rank'], offset]]);
  return /** @type {Layer[]} */ ([
    {
      id: 'names-states',
      type: 'symbol',
      source: 'labels',
      minzoom: 3,
      maxzoom: 12,
      filter: ['all', ['==', ['get', 'kind'], 'state'], from(1)],
      layout: { ...name, 'text-size': 11, 'symbol-sort-key': ['get', 'rank'] },
      paint: halo,
    },
    {
      id: 'names-countries',
      type: 'symbol',
      source: 'labels',
      maxzoom: 12,
      filter: ['all', ['==', ['get', 'kind'], 'country'], from(0)],
      layout: { ...name, 'text-size': ['interpolate', ['linear'], ['zoom'], 2, 11, 7, 15], 'symbol-sort-key': ['get', 'rank'] },
      paint: halo,
    },
  ]);
}

/** Width in pixels of about `metres` on the ground at middle latitudes. @param {number} metres */
function groundWidth(metres) {
  const at = (/** @type {number} */ zoom) => (metres * 512 * 2 ** zoom) / (40075017 * 0.75);
  return ['interpolate', ['exponential', 2], ['zoom'], 11, Math.max(1.6, at(11)), 14, Math.max(3, at(14)), 20, at(20)];
}

/** Coverage and streets. @param {Drawn} drawn @returns {Layer[]} */
function farLayers(drawn) {
  const colour = cellColour(drawn, AREA_AMOUNTS);
  const streetColour = cellColour(drawn, STREET_AMOUNTS);
  const tiles = { source: 'pictures' };
  return /** @type {Layer[]} */ ([
    {
      id: 'coverage',
      type: 'fill',
      ...tiles,
      'source-layer': 'coverage',
      maxzoom: STREETS_ZOOM,
      paint: { 'fill-color': colour, 'fill-opacity': 0.85 },
    },
    {
      id: 'coverage-edge',
      type: 'line',
      ...tiles,
      'source-layer': 'coverage',
      maxzoom: STREETS_ZOOM,
      // A cell smaller than a pixel would vanish; its edge keeps it visible.
      paint: { 'line-color': colour, 'line-width': ['interpolate', ['linear'], ['zoom'], 0, 3, 6, 1.5, 10, 1] },
    },
    {
      id: 'streets',
      type: 'circle',
      ...tiles,
      'source-layer': 'streets',
      minzoom: STREETS_ZOOM,
      maxzoom: PICTURES_ZOOM,
      layout: { 'circle-sort-key': ['get', drawn.look.layer === 'amount' ? 'n' : 'day'] },
      paint: { 'circle-color': streetColour, 'circle-radius': groundWidth(26) },
    },
    {
      id: 'arrivals-far',
      type: 'circle',
      source: 'arrivals',
      maxzoom: PICTURES_ZOOM,
      paint: { 'circle-color': streetColour, 'circle-radius': groundWidth(26) },
    },
  ]);
}

/** A dot and a wedge for each picture. @param {Drawn} drawn @returns {Layer[]} */
function closeLayers(drawn) {
  const { theme, wanted, look } = drawn;
  const colour = look.layer === 'amount' ? theme.ages[0] : byAge(theme.ages, wanted);
  const icon = {
    'icon-image': imageName(drawn),
    'icon-rotate': ['get', 'heading'],
    'icon-rotation-alignment': 'map',
    'icon-size': ['interpolate', ['linear'], ['zoom'], 14, 0.75, 16, 1, 19, 1.2],
  };
  const always = { 'icon-allow-overlap': true, 'icon-ignore-placement': true };
  const tiles = { source: 'pictures' };
  return /** @type {Layer[]} */ ([
    {
      id: 'road',
      type: 'circle',
      ...tiles,
      'source-layer': 'pictures',
      minzoom: PICTURES_ZOOM,
      layout: { 'circle-sort-key': ['get', 'day'] },
      paint: { 'circle-color': colour, 'circle-opacity': ['interpolate', ['linear'], ['zoom'], 16.5, 0.22, 17.5, 0], 'circle-radius': groundWidth(5) },
    },
    {
      id: 'dots',
      type: 'symbol',
      ...tiles,
      'source-layer': 'pictures',
      minzoom: PICTURES_ZOOM,
      maxzoom: EVERY_PICTURE_ZOOM,
      layout: { ...icon, 'icon-padding': 0, 'symbol-sort-key': ['-', ['get', 'day']] },
    },
    {
      id: 'dots-all',
      type: 'symbol',
      ...tiles,
      'source-layer': 'pictures',
      minzoom: EVERY_PICTURE_ZOOM,
      layout: { ...icon, ...always, 'symbol-sort-key': ['get', 'day'] },
    },
    { id: 'arrivals', type: 'symbol', source: 'arrivals', minzoom: PICTURES_ZOOM, layout: { ...icon, ...always } },
    {
      id: 'hovered',
      type: 'circle',
      source: 'hovered',
      paint: {
        'circle-color': theme.selected,
        'circle-opacity': 0.15,
        'circle-radius': 14,
        'circle-stroke-color': theme.selected,
        'circle-stroke-width': 2.5,
      },
    },
    {
      id: 'selected',
      type: 'symbol',
      source: 'selected',
      layout: { ...icon, ...always, 'icon-image': ['concat', ['get', 'policy'], '-selected'], 'icon-size': 1.2 },
    },
  ]);
}

/**
 * Return the whole style.
 *
 * @param {Drawn} drawn
 * @param {Record<'arrivals' | 'hovered' | 'selected', Features>} overlays
 * @returns {Style}
 */
export function mapStyle(drawn, overlays) {
  const own = (/** @type {string} */ name) => `/assets/vendor/basemap/${name}.geojson`;
  const geojson = (/** @type {string | Features} */ data, maxzoom = 18) => ({ type: 'geojson', data, maxzoom });
  return /** @type {Style} */ ({
    version: 8,
    sources: {
      land: { ...geojson(own('land'), 8), tolerance: 0.5 },
      borders: geojson(own('borders'), 8),
      states: geojson(own('states'), 8),
      labels: geojson(own('labels'), 8),
      pictures: { type: 'vector', tiles: tileAddresses(drawn.wanted), minzoom: 0, maxzoom: 15 },
      arrivals: geojson(overlays.arrivals),
      hovered: geojson(overlays.hovered),
      selected: geojson(overlays.selected),
    },
    layers: [...basemapLayers(drawn.theme), ...farLayers(drawn), ...nameLayers(drawn), ...closeLayers(drawn)],
  });
}

/**
 * Return the filter of the dots: of the wanted policies and headings, not those that the overlay of arrivals draws, and
 * not those that are gone.
 *
 * @param {Wanted} wanted
 * @param {Iterable<string>} hidden identifiers
 * @returns {Expression}
 */
export function wantedPictures({ policies, heading }, hidden) {
  const parts = [['!', ['in', ['get', 'id'], ['literal', [...hidden]]]]];
  if (policies) parts.push(['in', ['get', 'policy'], ['literal', policies]]);
  if (heading !== null) {
    const turn = ['%', ['+', ['-', ['get', 'heading'], heading], 360 + HALF_VIEW_DEG], 360];
    parts.push(/** @type {any} */ (['<=', turn, 2 * HALF_VIEW_DEG]));
  }
  return expression(['all', ...parts]);
}
