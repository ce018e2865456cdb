/**
 * The one thing on the operator's pages that needs a script: asking the browser for a passkey, to enrol it or to sign in.
 *
 * The secret of an invitation is in the fragment of the link, so that it stands in no log; it is taken out of the
 * address at once.
 */

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function bytesOf(text) {
  const padded = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(padded), (character) => character.charCodeAt(0));
}

/** @param {ArrayBuffer} buffer */
function textOf(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

class Refused extends Error {}

/**
 * Send JSON to the server and return what it answers.
 *
 * @param {string} path
 * @param {object} value
 */
async function send(path, value) {
  const reply = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
    credentials: 'same-origin',
    redirect: 'error',
  });
  if (reply.status === 204) return null;
  const answer = await reply.json();
  if (!reply.ok) throw new Refused([answer.detail, answer.hint].filter(Boolean).join('; '));
  return answer;
}

/** @param {PublicKeyCredential} made */
function withBuffers(made) {
  const { response } = made;
  /** @type {Record<string, string>} */
  const parts = { clientDataJSON: textOf(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    parts.attestationObject = textOf(response.attestationObject);
  } else if (response instanceof AuthenticatorAssertionResponse) {
    parts.authenticatorData = textOf(response.authenticatorData);
    parts.signature = textOf(response.signature);
    if (response.userHandle) parts.userHandle = textOf(response.userHandle);
  }
  return { id: made.id, rawId: textOf(made.rawId), type: made.type, response: parts };
}

/** @param {string} invite */
async function enrol(invite) {
  const options = await send('/operator/enrol/options', { invite });
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytesOf(options.challenge),
      user: { ...options.user, id: bytesOf(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map((/** @type {{ id: string }} */ each) => ({
        ...each,
        id: bytesOf(each.id),
      })),
    },
  });
  await send('/operator/enrol', { invite, credential: withBuffers(/** @type {PublicKeyCredential} */ (credential)) });
}

async function signIn() {
  const options = await send('/operator/sign-in/options', {});
  const credential = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytesOf(options.challenge), allowCredentials: [] },
  });
  await send('/operator/sign-in', withBuffers(/** @type {PublicKeyCredential} */ (credential)));
}

const invite = location.hash.slice(1);
if (invite) history.replaceState(null, '', location.pathname + location.search);

const failure = /** @type {HTMLElement} */ (document.querySelector('[data-failure]'));
for (const button of document.querySelectorAll(/** @type {'button'} */ ('button[data-ceremony]'))) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    button.disabled = true;
    failure.hidden = true;
    try {
      await (button.dataset.ceremony === 'enrol' ? enrol(invite) : signIn());
      location.assign(button.dataset.next ?? '/operator/reports');
    } catch (error) {
      const reason = error instanceof Refused ? error.message : '';
      failure.textContent = [failure.dataset.words, reason].filter(Boolean).join(' ');
      failure.hidden = false;
      button.disabled = false;
    }
  });
}
