/**
 * `<dl-report>`: say that something is wrong with a picture; anybody may, without an account.
 *
 * @typedef {import('./types.js').Picture} Picture
 */

import { html, nothing } from 'lit';

import * as api from './api.js';
import { LightElement } from './light.js';
import { t } from './text.js';

const ISSUES = [
  'blur_missing',
  'privacy',
  'mislocated',
  'picture_low_quality',
  'blur_excess',
  'inappropriate',
  'copyright',
  'other',
];
const HIDES = new Set(['blur_missing', 'privacy']);
const LONGEST_COMMENT = 1000;

/** Event: `sent` (detail: whether the picture is hidden now). */
export class ReportElement extends LightElement {
  static properties = { picture: { attribute: false }, isSending: { state: true }, failure: { state: true } };

  constructor() {
    super();
    /** @type {Picture | null} */
    this.picture = null;
    this.isSending = false;
    this.failure = '';
  }

  get dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector('dialog'));
  }

  show() {
    this.failure = '';
    this.querySelector('form')?.reset();
    this.dialog.showModal();
  }

  /** @param {SubmitEvent} event */
  async #send(event) {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const issue = fields.get('issue');
    if (!this.picture || this.isSending) return;
    if (!issue) {
      this.failure = t('reportChoose');
      return;
    }
    this.isSending = true;
    this.failure = '';
    try {
      const { hidden } = await api.report(this.picture.id, String(issue), String(fields.get('comment') ?? ''));
      this.dialog.close();
      this.dispatchEvent(new CustomEvent('sent', { detail: hidden }));
    } catch (error) {
      const reason = error instanceof api.Refused ? error.message : t('reportUnreachable');
      this.failure = t('reportFailed', { reason });
    } finally {
      this.isSending = false;
    }
  }

  /** @param {string} issue */
  #issue(issue) {
    return html`<label class="issue">
      <input type="radio" name="issue" value=${issue} />
      <span>
        ${t(`issue_${issue}`)} ${HIDES.has(issue) ? html`<span class="small quiet issue-note">${t('hidesAtOnce')}</span>` : nothing}
      </span>
    </label>`;
  }

  render() {
    return html`<dialog class="dialog" aria-labelledby="report-title">
      <form @submit=${(/** @type {SubmitEvent} */ event) => this.#send(event)} novalidate>
        <h2 id="report-title">${t('reportTitle')}</h2>
        <p class="quiet">${t('reportIntro')}</p>
        <fieldset>
          <legend>${t('issueLegend')}</legend>
          ${ISSUES.map((issue) => this.#issue(issue))}
        </fieldset>
        <label class="label" for="report-comment">${t('comment')}</label>
        <textarea class="field" id="report-comment" name="comment" rows="3" maxlength=${LONGEST_COMMENT} aria-describedby="report-note"></textarea>
        <p class="small quiet" id="report-note">${t('commentNote')}</p>
        <p class="failure" role="alert">${this.failure}</p>
        <div class="dialog-acts">
          <button class="button" type="button" @click=${() => this.dialog.close()}>${t('cancel')}</button>
          <button class="button primary" type="submit" ?disabled=${this.isSending}>${t(this.isSending ? 'sending' : 'send')}</button>
        </div>
      </form>
    </dialog>`;
  }
}

customElements.define('dl-report', ReportElement);
