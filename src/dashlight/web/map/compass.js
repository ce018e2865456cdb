/** The compass of a picture: which way the camera looked. */

import { html, svg } from 'lit';

import { t } from './text.js';

/** @param {number} heading */
export function compass(heading) {
  return html`<svg class="compass" width="48" height="52" viewBox="-24 -30 48 52" aria-hidden="true">
    <circle r="19.5" fill="none" stroke="var(--line-strong)" />
    ${[0, 90, 180, 270].map((turn) => svg`<path d="M0 -19.5v4" transform="rotate(${turn})" stroke="var(--line-strong)" />`)}
    <text y="-22" text-anchor="middle" font-size="9" font-weight="600" fill="var(--ink-quiet)">${t('letterNorth')}</text>
    <g transform="rotate(${heading})">
      <path d="M0 0 -8 -13.5A15.7 15.7 0 0 1 8 -13.5z" fill="var(--accent)" opacity="0.35" />
      <path d="M0 -17 3.5 -9h-7z" fill="var(--accent)" />
      <circle r="3.5" fill="var(--accent)" />
    </g>
  </svg>`;
}
