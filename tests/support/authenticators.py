"""An authenticator without hardware: it makes passkeys and signs with them, as browsers pass it on."""

import hashlib
import json
import secrets

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from dashlight.wire import from_base64url, to_base64url

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


class Authenticator:
    """One device; `flags` is what it claims of its user."""

    def __init__(self, origin, *, flags=PRESENT | VERIFIED):
        self.origin = origin
        self.flags = flags
        self._keys = {}

    def _client_data(self, kind, challenge):
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _head(self, domain, flags, count):
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + count.to_bytes(4)

    def make(self, options):
        """Return a new passkey's registration for a browser's options."""
        key, name = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        self._keys[name] = key
        point = key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        data = self._head(options["rp"]["id"], self.flags | HAS_KEY, 0)
        data += bytes(16) + len(name).to_bytes(2) + name + public
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        response = {"clientDataJSON": to_base64url(client_data), "attestationObject": to_base64url(attestation)}
        return self._credential(name, response)

    def sign(self, options, *, count=0):
        """Return a signature of the newest passkey for a browser's options."""
        name, key = list(self._keys.items())[-1]
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._head(options["rpId"], self.flags, count)
        signed = key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": to_base64url(client_data),
            "authenticatorData": to_base64url(data),
            "signature": to_base64url(signed),
        }
        return self._credential(name, response)

    def _credential(self, name, response):
        return {"id": to_base64url(name), "rawId": to_base64url(name), "type": "public-key", "response": response}


def tampered(credential, part):
    """Return a credential in which the last byte of one part is another."""
    content = bytearray(from_base64url(credential["response"][part]))
    content[-1] ^= 1
    return {**credential, "response": {**credential["response"], part: to_base64url(bytes(content))}}
