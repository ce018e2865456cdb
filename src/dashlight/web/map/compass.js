/** The compass of a picture: which way the camera looked. */

import { html, svg } from 'lit';

import { t } from './text.js';

/** @param {number} heading */
export function compass(heading) {
  return html`<svg class="compass" width="44" height="44" viewBox="-22 -22 44 44" aria-hidden="true">
    <circle r="20.5" fill="none" stroke="var(--line-strong)" />
    ${[90, 180, 270].map((turn) => svg`<path d="M0 -20.5v4" transform="rotate(${turn})" stroke="var(--line-strong)" />`)}
    <text y="-10" text-anchor="middle" font-size="8" font-weight="600" fill="var(--ink-quiet)">${t('letterNorth')}</text>
    <g transform="rotate(${heading})">
      <path d="M0 0 -7.5 -13A15 15 0 0 1 7.5 -13z" fill="var(--accent)" opacity="0.35" />
      <path d="M0 -17 3.2 -9h-6.4z" fill="var(--accent)" />
      <circle r="3" fill="var(--accent)" />
    </g>
  </svg>`;
}
