"""Where the operator's page is, as browsers name it, and whether a request was made by that page.

Passkeys belong to a domain. So the page works at `server.public_url`, and without one at `http://localhost` alone: a
Host header is a word of whoever asks, and no browser has passkeys for an address without a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dashlight.errors import InputError, Unauthorized

_LOCAL = "localhost"
_LOCAL_HOST = re.compile(r"localhost(:[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin that browsers keep passkeys for.

    Attributes:
        text: Scheme, host and port, as `Origin` has it.
        domain: The host alone: what a passkey belongs to.
        is_secure: Whether it is https.
    """

    text: str
    domain: str
    is_secure: bool


def origin_of(public_url: str, host: str) -> Origin:
    """Return where the page is.

    Args:
        public_url: Of the settings, or empty.
        host: As the request has it; only looked at without a `public_url`.

    Raises:
        InputError: When browsers keep no passkeys for it.
    """
    try:
        parts = urlsplit(public_url or (f"http://{host}" if _LOCAL_HOST.fullmatch(host) else ""))
        domain, port = parts.hostname or "", parts.port
    except ValueError:
        parts, domain, port = urlsplit(""), "", None
    is_secure = parts.scheme == "https"
    is_local = domain == _LOCAL
    is_name = any(character.isalpha() for character in domain) and ":" not in domain
    if not (is_local or (public_url and is_secure and is_name)):
        raise InputError(
            f"nobody can sign in at {(public_url or host)[:100]!r}: passkeys need https and a name, or localhost",
            hint="set server.public_url to the https address that people see; on the server's own machine open "
            "http://localhost with its port",
            code="no-passkeys-here",
        )
    default = 443 if is_secure else 80
    text = f"{parts.scheme}://{domain}" + (f":{port}" if port not in (None, default) else "")
    return Origin(text, domain, is_secure)


def check_same_origin(origin: Origin, headers: Mapping[str, str]) -> None:
    """Check that a request that changes something was made by a page of this origin.

    Browsers say so in `Sec-Fetch-Site`, which no page can write, and in `Origin`; what says neither is no browser of
    today, and what says another site in either is an attack.

    Raises:
        Unauthorized: When it was not, or does not say.
    """
    site, said = headers.get("sec-fetch-site"), headers.get("origin")
    is_ours = site == "same-origin" or (site is None and said == origin.text)
    is_strange = said not in (None, "null", origin.text)  # "null" is what a page says that tells no referrer.
    if not is_ours or is_strange:
        raise Unauthorized(
            "this was not sent by the operator's page",
            hint=f"open {origin.text}/operator and do it there",
            code="cross-site",
        )
