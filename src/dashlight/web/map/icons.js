/**
 * Drawings: the dots of the map on canvas, the signs of the page as SVG.
 *
 * A dot's shape says the policy (disc: fleet, square: open, ring: personal), its lightness the age, its wedge the heading.
 *
 * @typedef {import('./types.js').Policy} Policy
 * @typedef {import('./theme.js').Theme} Theme
 */

import { svg } from 'lit';

import { AGES } from './theme.js';

const SIZE = 40; // CSS pixels, square; the dot is in the middle and the wedge points up.
const RATIO = 2;
export const POLICIES = /** @type {const} */ (['fleet', 'open', 'personal']);

/**
 * Draw a dot of a policy around the origin.
 *
 * @param {CanvasRenderingContext2D} pen
 * @param {Policy} policy
 * @param {{fill: string, halo: string, radius: number}} look
 */
function drawShape(pen, policy, { fill, halo, radius }) {
  pen.beginPath();
  if (policy === 'open') pen.rect(-radius * 0.9, -radius * 0.9, radius * 1.8, radius * 1.8);
  else pen.arc(0, 0, radius, 0, 2 * Math.PI);
  pen.lineJoin = 'round';
  pen.strokeStyle = halo;
  pen.lineWidth = 3;
  pen.stroke();
  if (policy === 'personal') {
    pen.fillStyle = halo;
    pen.fill();
    pen.beginPath();
    pen.arc(0, 0, radius - 1.25, 0, 2 * Math.PI);
    pen.strokeStyle = fill;
    pen.lineWidth = 2.5;
    pen.stroke();
  } else {
    pen.fillStyle = fill;
    pen.fill();
  }
}

/**
 * Draw the wedge and the dot.
 *
 * @param {Policy} policy
 * @param {{fill: string, halo: string, radius: number, reach: number}} look
 * @returns {ImageData}
 */
function drawDot(policy, look) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIZE * RATIO;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  pen.scale(RATIO, RATIO);
  pen.translate(SIZE / 2, SIZE / 2);
  pen.beginPath();
  pen.moveTo(0, 0);
  pen.arc(0, 0, look.reach, (-120 * Math.PI) / 180, (-60 * Math.PI) / 180);
  pen.closePath();
  pen.globalAlpha = 0.75;
  pen.fillStyle = look.fill;
  pen.fill();
  pen.globalAlpha = 0.9;
  pen.lineJoin = 'round';
  pen.lineWidth = 1;
  pen.strokeStyle = look.halo;
  pen.stroke();
  pen.globalAlpha = 1;
  drawShape(pen, policy, look);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/**
 * Return the map's images by name: `fleet-week` and so on, and `fleet-selected`.
 *
 * @param {Theme} theme
 * @returns {Map<string, {image: ImageData, options: {pixelRatio: number}}>}
 */
export function mapImages(theme) {
  const images = new Map();
  const halo = theme.dataHalo;
  for (const policy of POLICIES) {
    AGES.forEach((age, index) => {
      const image = drawDot(policy, { fill: theme.ages[index], halo, radius: 5, reach: 18 });
      images.set(`${policy}-${age}`, { image, options: { pixelRatio: RATIO } });
    });
    const image = drawDot(policy, { fill: theme.selected, halo, radius: 7.5, reach: 19 });
    images.set(`${policy}-selected`, { image, options: { pixelRatio: RATIO } });
  }
  return images;
}

/** @param {unknown} content */
const sign = (content) =>
  svg`<svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.75"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${content}</svg>`;

export const signs = {
  search: () => sign(svg`<circle cx="8.5" cy="8.5" r="5.5"/><path d="m13 13 4.5 4.5"/>`),
  calendar: () => sign(svg`<rect x="3" y="4.5" width="14" height="12.5" rx="1.5"/><path d="M3 8.5h14M7 2.5v3M13 2.5v3"/>`),
  layers: () => sign(svg`<path d="m10 3 7.5 3.8L10 10.6 2.5 6.8zM3 10.4l7 3.5 7-3.5M3 13.8l7 3.5 7-3.5"/>`),
  share: () => sign(svg`<path d="M10 12.5V3M6.5 6 10 2.5 13.5 6M5 9.5H3.5v8h13v-8H15"/>`),
  about: () => sign(svg`<circle cx="10" cy="10" r="7.5"/><path d="M10 9.2v4.6M10 6.3v.2"/>`),
  back: () => sign(svg`<path d="M12 4.5 6.5 10l5.5 5.5"/>`),
  forward: () => sign(svg`<path d="M8 4.5 13.5 10 8 15.5"/>`),
  close: () => sign(svg`<path d="m5 5 10 10M15 5 5 15"/>`),
  full: () => sign(svg`<path d="M3.5 7.5v-4h4M16.5 12.5v4h-4M12.5 3.5h4v4M7.5 16.5h-4v-4"/>`),
  plus: () => sign(svg`<path d="M10 4v12M4 10h12"/>`),
  minus: () => sign(svg`<path d="M4 10h12"/>`),
  link: () => sign(svg`<path d="M8.2 11.8a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1M11.8 8.2a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1"/>`),
  download: () => sign(svg`<path d="M10 3v9.5M6 9l4 4 4-4M4 16.5h12"/>`),
  flag: () => sign(svg`<path d="M5 17.5V3.5h9.5l-2 3.5 2 3.5H5"/>`),
  up: () => sign(svg`<path d="M4.5 12 10 6.5l5.5 5.5"/>`),
  down: () => sign(svg`<path d="M4.5 8 10 13.5 15.5 8"/>`),
};

/** Return the shape of a policy for the page, the same as on the map. @param {Policy} policy */
export function policyShape(policy) {
  const shapes = {
    fleet: svg`<circle cx="7" cy="7" r="5" fill="currentColor"/>`,
    open: svg`<rect x="2.5" y="2.5" width="9" height="9" fill="currentColor"/>`,
    personal: svg`<circle cx="7" cy="7" r="4" fill="none" stroke="currentColor" stroke-width="2.4"/>`,
  };
  return svg`<svg class="policy-shape" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">${shapes[policy]}</svg>`;
}
