/**
 * The page: joins the address, the map, the list, the opened picture and the live feed.
 *
 * @typedef {import('./map-element.js').MapElement} MapElement
 * @typedef {import('./panel.js').PanelElement} PanelElement
 * @typedef {import('./types.js').Arrival} Arrival
 * @typedef {import('./types.js').Instance} Instance
 * @typedef {import('./types.js').Picture} Picture
 * @typedef {import('./types.js').View} View
 */

import * as api from './api.js';
import { captured } from './format.js';
import { InView } from './in-view.js';
import { LiveFeed } from './live.js';
import { OpenedPicture } from './opened.js';
import { NO_PLACES, places } from './places.js';
import { Panes } from './panes.js';
import { PageState } from './state.js';
import { t } from './text.js';
import { isWanted, wantedOf } from './wanted.js';

const BURST_MS = 120; // Pictures of one bundle arrive together and are shown together.
const ANNOUNCE_MS = 3000; // A screen reader is told at most so often.
const ARRIVED_MS = 20000;
const FOLLOW_SETTLE_MS = 600;
const SHOWS = ['from', 'to', 'asof', 'compare', 'list', 'policies', 'heading', 'layer', 'names']; // What maps or list show.

export class Page {
  state = new PageState();
  view = new InView();
  opened = new OpenedPicture();
  feed = new LiveFeed();
  /** @type {Instance | null} */
  instance = null;
  /** @type {import('./places.js').Gazetteer} */
  places = NO_PLACES;
  /** @type {import('./map-element.js').Area[]} */
  areas = [];
  announced = '';
  said = '';
  arrived = 0;
  retryAt = 0;
  canDraw = true;
  #isLineDown = false;
  /** @type {Arrival[]} */
  #burst = [];
  #unannounced = 0;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  #mustMove = false;
  /** @type {Picture | null} */
  #located = null;

  /**
   * @param {{map: MapElement, maps: HTMLElement, panel: PanelElement, search: any, time: any, layers: any, share: any,
   *   name: HTMLElement}} parts
   */
  constructor(parts) {
    this.parts = parts;
    this.panes = new Panes(parts.maps, parts.map, this);
  }

  /** Which pictures the list has. */
  get wanted() {
    return wantedOf(this.state.shown, this.state.shown.list);
  }

  get isOffline() {
    return this.#isLineDown || this.view.status === 'offline' || this.opened.status === 'offline';
  }

  /** Begin; the page shows what its address says. */
  async start() {
    const { map, panel, search, time, layers, share } = this.parts;
    this.#listen();
    const { shown } = this.state;
    this.canDraw = map.start(shown.at, wantedOf(shown), { layer: shown.layer, names: shown.names });
    for (const element of [panel, search, time, layers, share]) element.page = this;
    this.panes.show(shown);
    this.#mustMove = !this.state.shown.at;
    if (this.state.shown.at && this.canDraw) map.tellMoved();
    if (this.state.shown.picture) this.#openShown();
    places().then((all) => {
      this.places = all;
      this.refresh();
    });
    await this.#loadInstance();
  }

  async #loadInstance() {
    try {
      this.instance = await api.instance();
    } catch {
      // The list, which asks the same server, tells what is wrong; the name stays ours until it answers.
      if (!this.view.bounds && this.canDraw) this.parts.map.tellMoved();
      this.refresh();
      return;
    }
    this.parts.name.textContent = this.instance.name;
    this.parts.name.title = this.instance.name;
    if (!this.state.shown.picture) document.title = this.instance.name;
    if (this.#mustMove && this.instance.bbox && !this.state.shown.picture) this.showAll({ jump: true });
    else if (!this.view.bounds && this.canDraw) this.parts.map.tellMoved();
    if (!this.canDraw) this.#showWithoutMap();
    this.refresh();
  }

  #showWithoutMap() {
    const [west, south, east, north] = this.instance?.bbox ?? [-180, -90, 180, 90];
    const bounds = { west, south, east, north };
    this.view.show(bounds, this.wanted);
    this.feed.follow(bounds);
  }

  #listen() {
    const { map } = this.parts;
    this.state.addEventListener('change', (event) => this.#stateChanged(/** @type {CustomEvent} */ (event).detail));
    for (const part of [this.view, this.opened]) part.addEventListener('change', () => this.refresh());
    this.opened.addEventListener('change', () => this.#openedChanged());
    map.addEventListener('moved', (event) => this.#moved(/** @type {CustomEvent} */ (event).detail));
    map.addEventListener('open', (event) => this.open(/** @type {CustomEvent} */ (event).detail));
    map.addEventListener('areas', (event) => {
      this.areas = /** @type {CustomEvent} */ (event).detail;
      this.refresh();
    });
    map.addEventListener('unlocated', () => this.#announce(t('locateFailed')));
    this.feed.addEventListener('hello', () => this.#catchUp());
    this.feed.addEventListener('picture', (event) => this.#arrive(/** @type {CustomEvent} */ (event).detail));
    this.feed.addEventListener('gone', (event) => this.#lose(/** @type {CustomEvent} */ (event).detail.id));
    this.feed.addEventListener('refresh', () => this.#renew());
    this.feed.addEventListener('line', (event) => this.#lineChanged(/** @type {CustomEvent} */ (event).detail));
  }

  /** Draw the panel and the bar anew. */
  refresh() {
    this.parts.panel.refresh();
    this.panes.refresh();
    for (const each of [this.parts.time, this.parts.layers, this.parts.share]) each.requestUpdate();
  }

  /** @param {string} name @param {number} ms @param {() => void} then */
  #later(name, ms, then) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(then, ms));
  }

  /** @param {{view: View, bounds: import('./types.js').Bounds}} moved */
  #moved({ view, bounds }) {
    this.state.change({ at: view });
    this.view.show(bounds, this.wanted);
    this.#later('follow', this.feed.up ? FOLLOW_SETTLE_MS : 0, () => this.feed.follow(bounds));
  }

  /** @param {{changed: Set<string>, fromAddress: boolean}} detail */
  #stateChanged({ changed, fromAddress }) {
    const { shown } = this.state;
    if (SHOWS.some((name) => changed.has(name))) {
      this.panes.show(shown);
      if (this.view.bounds) this.view.show(this.view.bounds, this.wanted);
    }
    if (fromAddress && changed.has('at') && shown.at) this.parts.map.goTo(shown.at, { jump: true });
    if (changed.has('picture')) {
      if (shown.picture) this.#openShown();
      else this.#closeShown();
    }
    this.refresh();
  }

  async #openShown() {
    this.said = '';
    this.arrived = 0;
    const isNew = this.opened.status === 'none';
    await this.opened.open(this.state.shown.picture);
    if (isNew) this.parts.panel.viewer?.focusTitle();
  }

  #closeShown() {
    const last = this.opened.id;
    this.opened.open(null);
    for (const map of this.panes.all) map.select(null);
    if (this.instance) document.title = this.instance.name;
    this.parts.panel.updateComplete.then(() => last && this.parts.panel.list?.focusOn(last));
  }

  #openedChanged() {
    const { picture } = this.opened;
    if (picture === this.#located) return;
    this.#located = picture;
    for (const map of this.panes.all) map.select(picture);
    if (!picture) return;
    document.title = `${t('pictureTitle', { when: captured(picture.properties) })} · ${this.instance?.name ?? ''}`;
    const [lon, lat] = picture.geometry.coordinates;
    if (this.#mustMove) this.parts.map.goTo({ lon, lat, zoom: 16.5 }, { jump: true });
    else this.parts.map.keepInView([lon, lat]);
    this.#mustMove = false;
  }

  /** Open a picture; the Back button closes it. @param {string} id */
  open(id) {
    const isStep = this.state.shown.picture !== null;
    this.hover(null);
    this.state.change({ picture: id, full: false }, { push: !isStep });
    if (this.parts.panel.height === 'low') this.parts.panel.height = 'middle';
  }

  /** Open a picture wherever it is, and go there. @param {string} id */
  openAnywhere(id) {
    if (this.state.shown.picture === id) return;
    this.#mustMove = true;
    this.open(id);
  }

  close() {
    this.state.leave({ picture: null, full: false });
  }

  endComparison() {
    this.state.change({ compare: null, list: 'after' }, { push: true });
  }

  /** Compare with another day. @param {import('./wanted.js').Side} side @param {string} day */
  compareOn(side, day) {
    const { compare, asof } = this.state.shown;
    if (side === 'before') this.state.change({ compare: day, asof: asof && asof < day ? day : asof }, { push: true });
    else this.state.change({ asof: day, compare: compare && compare > day ? day : compare }, { push: true });
  }

  /** @param {Picture | null} picture */
  hover(picture) {
    for (const map of this.panes.all) map.hover(picture);
  }

  /** Go somewhere; the Back button returns. @param {View} view */
  goTo(view) {
    this.state.mark();
    this.parts.map.goTo(view);
  }

  showAll = ({ jump = false } = {}) => {
    this.#mustMove = false;
    if (this.instance?.bbox) this.parts.map.fit(this.instance.bbox, { jump });
  };

  retry() {
    this.feed.retry();
    this.#renew();
  }

  /** Ask once more after the feed has begun: what came between the first answer and now is in neither. */
  async #catchUp() {
    const known = new Set(this.view.pictures.map(({ id }) => id));
    const wasReady = this.view.status === 'ready';
    await this.view.reload({ quietly: true });
    if (wasReady && this.view.pictures.some(({ id }) => !known.has(id))) this.parts.map.refreshTiles();
  }

  #renew() {
    for (const map of this.panes.all) map.refreshTiles();
    this.view.reload({ quietly: true });
    if (['offline', 'failed'].includes(this.opened.status)) this.opened.open(this.opened.id);
    if (!this.instance) this.#loadInstance();
  }

  /** @param {{up: boolean, retryAt: number}} line */
  #lineChanged({ up, retryAt }) {
    const wasDown = this.#isLineDown;
    this.retryAt = retryAt;
    this.#isLineDown = !up;
    if (up && wasDown) {
      this.#announce(t('backOnline'));
      this.#renew();
    } else if (!up && !wasDown) this.#announce(t('offlineTitle'));
    this.refresh();
  }

  /** @param {Arrival} arrival */
  #arrive(arrival) {
    this.#burst.push(arrival);
    if (this.#burst.length === 1) setTimeout(() => this.#showBurst(), BURST_MS);
  }

  #showBurst() {
    const burst = this.#burst;
    this.#burst = [];
    const wanted = wantedOf(this.state.shown);
    this.parts.map.addArrivals(burst.filter(({ day, policy, heading_deg: heading }) => isWanted({ day, policy, heading }, wanted)));
    const added = this.view.add(burst);
    if (this.instance) this.instance.pictures += burst.length;
    if (!added) return;
    this.arrived += added;
    this.#unannounced += added;
    this.#later('arrived', ARRIVED_MS, () => {
      this.arrived = 0;
      this.refresh();
    });
    if (!this.#timers.has('announce')) {
      this.#timers.set('announce', setTimeout(() => this.#announceArrivals(), this.announced ? ANNOUNCE_MS : 0));
    }
    this.refresh();
  }

  #announceArrivals() {
    this.#timers.delete('announce');
    this.#announce(t('arrived', { n: this.#unannounced }));
    this.#unannounced = 0;
  }

  /** @param {string} words */
  #announce(words) {
    this.announced = words;
    this.refresh();
  }

  /** @param {string} id */
  #lose(id) {
    for (const map of this.panes.all) map.withdraw(id);
    if (this.instance && this.view.remove(id)) this.#announce(t('gone'));
    if (this.opened.id === id) this.opened.withdraw();
  }

  /** A report was taken. @param {string} id @param {boolean} isHidden */
  reported(id, isHidden) {
    if (isHidden) this.#lose(id);
    this.say(t(isHidden ? 'reportHidden' : 'reportTaken'));
  }

  /** Say something about the opened picture. @param {string} words */
  say(words) {
    this.said = words;
    this.refresh();
  }
}
