/** The base of the page's elements: Lit, drawn into the page itself, so that one sheet of styles and one set of names serve all. */

import { LitElement } from 'lit';

export class LightElement extends LitElement {
  createRenderRoot() {
    if (!this.hasUpdated) this.replaceChildren(); // The skeleton that the page came with.
    return this;
  }

  /** Return the element's part that a selector names. @param {string} selector @returns {HTMLElement | null} */
  part$(selector) {
    return this.querySelector(selector);
  }
}
