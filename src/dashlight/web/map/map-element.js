/**
 * `<dl-map>`: the map itself. Everything that it shows is in the list beside it too.
 *
 * @typedef {import('./types.js').Arrival} Arrival
 * @typedef {import('./types.js').Bounds} Bounds
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./types.js').View} View
 * @typedef {import('./layers.js').Look} Look
 * @typedef {import('./wanted.js').Wanted} Wanted
 * @typedef {{lon: number, lat: number, n: number, day: number}} Area
 */

import * as maplibre from 'maplibre-gl';

import { dayNumber } from './days.js';
import { distanceM, foldedLon } from './geo.js';
import { mapImages } from './icons.js';
import { NOTHING, PICTURES_ZOOM, STREETS_ZOOM, mapStyle, tileAddresses, wantedPictures } from './layers.js';
import { t } from './text.js';
import { onThemeChange, reducedMotion, theme } from './theme.js';
import { EVERYTHING } from './wanted.js';

const TOUCH_PX = 14; // Half of a finger's width around a tap.
const MOST_ARRIVALS = 2000;
const MOST_PULSES = 8;
const PULSE_APART_PX = 48; // Pictures of one drive pulse once, not as a caterpillar.
const TILES_SETTLE_MS = 1500;
const SLIDE_MS = 80; // A slider that moves asks for tiles once it rests.

/** @param {string} id @param {[number, number]} coordinates @param {Record<string, unknown>} properties */
function dot(id, coordinates, properties) {
  return { type: 'Feature', geometry: { type: 'Point', coordinates }, properties: { id, ...properties } };
}

/** @param {Picture} picture */
function dotOf({ id, geometry, properties }) {
  const heading = properties['view:azimuth'];
  return dot(id, geometry.coordinates, { heading, policy: properties.policy, day: dayNumber(properties.day) });
}

/** @param {any[]} features */
const collection = (features) => /** @type {import('./layers.js').Features} */ ({ type: 'FeatureCollection', features });

/**
 * Events: `moved` (detail: `{view, bounds}`), `open` (detail: the picture's id), `areas` (detail: the areas in view),
 * `unlocated`.
 */
export class MapElement extends HTMLElement {
  /** @type {maplibre.Map | null} */
  map = null;
  #wanted = EVERYTHING;
  /** @type {Look} */
  #look = { layer: 'age', names: true };
  /** @type {() => void} */
  #forgetTheme = () => {};
  #overlays = { arrivals: NOTHING, hovered: NOTHING, selected: NOTHING };
  /** @type {Map<string, any>} */
  #arrivals = new Map();
  /** @type {Set<string>} */
  #gone = new Set();
  /** @type {Set<maplibre.Marker>} */
  #pulses = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tilesTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #slideTimer;

  /**
   * Draw the map; return whether this browser can.
   *
   * @param {View | null} view
   * @param {Wanted} wanted
   * @param {Look} look
   * @param {{isSecond?: boolean}} [options]  a second map, which follows another, has no controls of its own
   */
  start(view, wanted, look, { isSecond = false } = {}) {
    this.#wanted = wanted;
    this.#look = look;
    try {
      this.map = this.#created(view, isSecond);
    } catch {
      this.map = null;
      return false;
    }
    this.#listen(this.map);
    this.#forgetTheme = onThemeChange(() => this.#restyle());
    return true;
  }

  /** Give back what the map holds; it cannot be used any more. */
  stop() {
    clearTimeout(this.#tilesTimer);
    clearTimeout(this.#slideTimer);
    this.#forgetTheme();
    this.map?.remove();
    this.map = null;
  }

  get #style() {
    return mapStyle({ theme: theme(), wanted: this.#wanted, look: this.#look }, this.#overlays);
  }

  /** @param {View | null} view @param {boolean} isSecond */
  #created(view, isSecond) {
    const map = new maplibre.Map({
      container: this,
      style: this.#style,
      center: view ? [view.lon, view.lat] : [10, 25],
      zoom: view?.zoom ?? 1.5,
      maxZoom: 20,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      fadeDuration: reducedMotion() ? 0 : 150,
      locale: {
        'Map.Title': t(isSecond ? 'mapBefore' : 'map'),
        'NavigationControl.ZoomIn': t('zoomMapIn'),
        'NavigationControl.ZoomOut': t('zoomMapOut'),
        'GeolocateControl.FindMyLocation': t('locate'),
        'GeolocateControl.LocationNotAvailable': t('locateFailed'),
      },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    if (isSecond) return map;
    const locate = new maplibre.GeolocateControl({ positionOptions: { enableHighAccuracy: true } });
    locate.on('error', () => this.dispatchEvent(new Event('unlocated')));
    map.addControl(new maplibre.NavigationControl({ showCompass: false }), 'bottom-right');
    map.addControl(locate, 'bottom-right');
    map.addControl(new maplibre.ScaleControl({ maxWidth: 120, unit: 'metric' }), 'bottom-left');
    return map;
  }

  /** @param {maplibre.Map} map */
  #listen(map) {
    map.on('style.load', () => {
      this.#addImages();
      this.#applyWishes();
    });
    map.on('moveend', () => this.tellMoved());
    map.on('resize', () => this.tellMoved());
    map.on('idle', () => this.#tellAreas());
    map.on('click', (event) => this.#clicked(event.point));
    map.on('mousemove', (event) => {
      const over = map.getZoom() < PICTURES_ZOOM ? this.#cellAt(event.point) : this.#pictureAt(event.point, 4);
      map.getCanvas().style.cursor = over ? 'pointer' : '';
    });
    // A tile that cannot be had is told by the live feed's and the list's states; without this the console would be too.
    map.on('error', () => {});
  }

  #addImages() {
    for (const [name, { image, options }] of mapImages(theme())) {
      if (this.map?.hasImage(name)) this.map.updateImage(name, image);
      else this.map?.addImage(name, image, options);
    }
    this.#applyHidden();
  }

  #restyle() {
    this.map?.setStyle(this.#style, { diff: true });
    this.#addImages();
  }

  /** Say where the map is; also before it is drawn, so that the list need not wait for it. */
  tellMoved() {
    if (!this.map) return;
    this.dispatchEvent(new CustomEvent('moved', { detail: { view: this.view, bounds: this.bounds } }));
  }

  /** Where the map is. @returns {View} */
  get view() {
    const map = /** @type {maplibre.Map} */ (this.map);
    const { lng, lat } = map.getCenter();
    return { zoom: map.getZoom(), lat, lon: foldedLon(lng) };
  }

  /** What is in view. @returns {Bounds} */
  get bounds() {
    const bounds = /** @type {maplibre.Map} */ (this.map).getBounds();
    return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
  }

  #tellAreas() {
    const map = this.map;
    if (!map) return;
    /** @type {Map<string, Area>} */
    const areas = new Map();
    if (map.getZoom() < STREETS_ZOOM) {
      for (const { properties, geometry } of this.#drawn(['coverage'])) {
        const area = areaOf(properties, /** @type {any} */ (geometry));
        // A cell that reaches into several tiles comes with each, at the same place: tiles of a zoom share one grid.
        areas.set(`${area.lon.toFixed(6)}/${area.lat.toFixed(6)}`, area);
      }
    }
    const sorted = [...areas.values()].sort((a, b) => b.day - a.day || b.n - a.n);
    this.dispatchEvent(new CustomEvent('areas', { detail: sorted }));
  }

  /**
   * Return what the layers draw, those that are there yet, in a square around a point or in the whole view.
   *
   * @param {string[]} names
   * @param {maplibre.Point} [point]
   * @param {number} [reach]  half of the square's side, CSS pixels
   */
  #drawn(names, point, reach = 0) {
    const map = /** @type {maplibre.Map} */ (this.map);
    const layers = names.filter((id) => map.getLayer(id));
    if (!point) return map.queryRenderedFeatures({ layers });
    const { x, y } = point;
    return map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers });
  }

  /** @param {maplibre.Point} point @param {number} reach */
  #pictureAt(point, reach) {
    const { lon, lat } = this.#positionOf(point);
    const distance = (/** @type {any} */ feature) => distanceM([lon, lat], feature.geometry.coordinates);
    const found = this.#drawn(['road', 'dots', 'dots-all', 'arrivals', 'selected'], point, reach);
    return found.sort((a, b) => distance(a) - distance(b))[0];
  }

  /** @param {maplibre.Point} point */
  #cellAt(point) {
    const reach = /** @type {maplibre.Map} */ (this.map).getZoom() < STREETS_ZOOM ? 2 : 8;
    return this.#drawn(['coverage', 'coverage-edge', 'streets', 'arrivals-far'], point, reach)[0];
  }

  /** @param {maplibre.Point} point */
  #clicked(point) {
    const map = /** @type {maplibre.Map} */ (this.map);
    if (map.getZoom() >= PICTURES_ZOOM) {
      const picture = this.#pictureAt(point, TOUCH_PX);
      if (picture) this.dispatchEvent(new CustomEvent('open', { detail: String(picture.properties.id) }));
    } else if (this.#cellAt(point)) {
      const zoom = map.getZoom();
      this.goTo({ ...this.#positionOf(point), zoom: zoom < STREETS_ZOOM ? Math.min(zoom + 3, 12) : 15.5 });
    }
  }

  /** @param {maplibre.Point} point */
  #positionOf(point) {
    const { lng, lat } = /** @type {maplibre.Map} */ (this.map).unproject(point);
    return { lon: lng, lat };
  }

  /** Move the map. @param {View} view @param {{jump?: boolean}} [options] */
  goTo({ lon, lat, zoom }, { jump = false } = {}) {
    const camera = { center: /** @type {[number, number]} */ ([lon, lat]), zoom };
    if (jump || reducedMotion()) this.map?.jumpTo(camera);
    else this.map?.flyTo({ ...camera, maxDuration: 1500 });
  }

  /** Show a whole box. @param {[number, number, number, number]} bbox @param {{jump?: boolean}} [options] */
  fit([west, south, east, north], { jump = false } = {}) {
    const bounds = /** @type {[number, number, number, number]} */ ([west, south, east < west ? east + 360 : east, north]);
    this.map?.fitBounds(bounds, { padding: 48, maxZoom: 16, animate: !jump && !reducedMotion(), maxDuration: 1500 });
  }

  /** Keep a position in view, moving only when it is near the edge or out of it. @param {[number, number]} position */
  keepInView(position) {
    const map = this.map;
    if (!map) return;
    const { x, y } = map.project(position);
    const { clientWidth: width, clientHeight: height } = map.getCanvas();
    const isInside = x > width * 0.15 && x < width * 0.85 && y > height * 0.15 && y < height * 0.85;
    const isClose = map.getZoom() >= PICTURES_ZOOM;
    if (isInside && isClose) return;
    const near = Math.abs(x - width / 2) < width * 2 && Math.abs(y - height / 2) < height * 2;
    const zoom = isClose ? map.getZoom() : 16.5;
    if (reducedMotion() || !near || !isClose) map.jumpTo({ center: position, zoom });
    else map.easeTo({ center: position, zoom, duration: 300 });
  }

  /** Show other pictures, or show them otherwise. @param {Wanted} wanted @param {Look} look */
  show(wanted, look) {
    const areSame = JSON.stringify([wanted, look]) === JSON.stringify([this.#wanted, this.#look]);
    if (areSame) return;
    this.#wanted = wanted;
    this.#look = look;
    this.#setOverlay('arrivals', NOTHING);
    this.#arrivals.clear();
    clearTimeout(this.#slideTimer);
    this.#slideTimer = setTimeout(() => this.#applyWishes(), SLIDE_MS);
  }

  /** Bring tiles, colours and filters up to what is wanted; what is so already stays. */
  #applyWishes() {
    const { map } = this;
    if (!map?.getSource('pictures')) return; // The style is still loading; this is called again when it is there.
    for (const { id, paint, layout } of /** @type {any[]} */ (this.#style.layers)) {
      for (const [name, value] of Object.entries(paint ?? {})) map.setPaintProperty(id, /** @type {any} */ (name), value);
      for (const [name, value] of Object.entries(layout ?? {})) map.setLayoutProperty(id, /** @type {any} */ (name), value);
    }
    this.#applyHidden();
    // Colours go to the workers with the next frame. Tiles asked for before it may be drawn in the old ones, and stay so.
    map.once('render', () => this.#loadWanted());
    map.triggerRepaint();
  }

  #loadWanted() {
    const source = /** @type {import('maplibre-gl').VectorTileSource | undefined} */ (this.map?.getSource('pictures'));
    const tiles = tileAddresses(this.#wanted);
    if (source && source.tiles?.[0] !== tiles[0]) source.setTiles(tiles);
  }

  /** Mark the opened picture. @param {Picture | null} picture */
  select(picture) {
    this.#setOverlay('selected', picture ? collection([dotOf(picture)]) : NOTHING);
  }

  /** Mark the picture that the list points at. @param {Picture | null} picture */
  hover(picture) {
    this.#setOverlay('hovered', picture ? collection([dotOf(picture)]) : NOTHING);
  }

  /**
   * Show pictures that have just been published, at once and with a pulse each.
   *
   * @param {Arrival[]} arrivals
   */
  addArrivals(arrivals) {
    for (const { id, lon, lat, heading_deg: heading, policy, day } of arrivals) {
      this.#gone.delete(id);
      this.#arrivals.set(id, dot(id, [lon, lat], { heading, policy, day: dayNumber(day) }));
      this.#pulse([lon, lat]);
    }
    for (const id of [...this.#arrivals.keys()].slice(0, Math.max(0, this.#arrivals.size - MOST_ARRIVALS))) {
      this.#arrivals.delete(id);
    }
    this.#setOverlay('arrivals', collection([...this.#arrivals.values()]));
    this.#applyHidden();
    this.refreshTiles();
  }

  /** Take a picture off the map at once. @param {string} id */
  withdraw(id) {
    this.#gone.add(id);
    if (this.#arrivals.delete(id)) this.#setOverlay('arrivals', collection([...this.#arrivals.values()]));
    this.#applyHidden();
    this.refreshTiles();
  }

  /** Load the tiles in view anew, soon and once; by their ETag the server sends only what has changed. */
  refreshTiles() {
    if (this.#tilesTimer) return; // Where pictures never stop arriving, waiting for a pause would be for ever.
    this.#tilesTimer = setTimeout(() => {
      this.#tilesTimer = undefined;
      if (this.map?.getSource('pictures')) this.map.refreshTiles('pictures');
    }, TILES_SETTLE_MS);
  }

  #applyHidden() {
    if (!this.map?.getLayer('dots')) return;
    const wanted = wantedPictures(this.#wanted, [...this.#arrivals.keys(), ...this.#gone]);
    for (const layer of ['dots', 'dots-all', 'road']) this.map.setFilter(layer, wanted);
  }

  /** @param {'arrivals' | 'hovered' | 'selected'} name @param {import('./layers.js').Features} data */
  #setOverlay(name, data) {
    this.#overlays[name] = data;
    const source = this.map?.getSource(name);
    /** @type {import('maplibre-gl').GeoJSONSource | undefined} */ (source)?.setData(/** @type {any} */ (data));
  }

  /** @param {[number, number]} position */
  #pulse(position) {
    if (!this.map || reducedMotion() || document.hidden || this.#pulses.size >= MOST_PULSES) return;
    const here = this.map.project(position);
    for (const other of this.#pulses) {
      if (this.map.project(other.getLngLat()).dist(here) < PULSE_APART_PX) return;
    }
    const element = document.createElement('div');
    element.className = 'pulse';
    element.setAttribute('aria-hidden', 'true');
    element.append(document.createElement('span'));
    const marker = new maplibre.Marker({ element }).setLngLat(position).addTo(this.map);
    // A marker is made reachable by keyboard; this one says nothing that the list does not.
    element.removeAttribute('tabindex');
    element.removeAttribute('role');
    element.removeAttribute('aria-label');
    this.#pulses.add(marker);
    element.addEventListener('animationend', () => {
      marker.remove();
      this.#pulses.delete(marker);
    });
  }
}

/** @param {Record<string, any>} properties @param {{type: string, coordinates: any}} geometry @returns {Area} */
function areaOf({ n, day }, { type, coordinates }) {
  const ring = /** @type {[number, number][]} */ (type === 'MultiPolygon' ? coordinates[0][0] : coordinates[0]);
  const lons = ring.map(([lon]) => lon);
  const lats = ring.map(([, lat]) => lat);
  const middle = (/** @type {number[]} */ values) => (Math.min(...values) + Math.max(...values)) / 2;
  return { lon: foldedLon(middle(lons)), lat: middle(lats), n, day };
}

customElements.define('dl-map', MapElement);
