"""A bucket of S3 as the settings name it, and the address of an object in it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from dashlight.errors import UsageError

_KNOWN = {"endpoint", "region", "style"}
_STYLES = ("path", "virtual")
_FORM = "s3://bucket/prefix?endpoint=...&region=..."
_REGION = "us-east-1"
_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place for objects.

    Attributes:
        name: Of the bucket.
        prefix: Before every key, without slashes at its ends; may be empty.
        endpoint: Of the server, `https://host`; empty for Amazon's.
        region: Of the bucket, of which signatures tell.
        is_virtual: Whether the host's name holds the bucket's. An `endpoint` then holds it already, as obstore has it.
    """

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = _REGION
    is_virtual: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError when the endpoint is not an address of a server."""
        if self.endpoint and not _is_server(self.endpoint):
            shown = self.endpoint.rpartition("@")[2]
            raise UsageError(
                f"the endpoint {shown!r:.80} of the bucket is not https://host or http://host",
                hint="without user, password, query or fragment",
            )

    def address(self, key: str) -> tuple[str, str, str]:
        """Return scheme, host (with the port unless it is the usual one) and encoded path of an object."""
        host = f"{self.name}.s3" if self.is_virtual else "s3"
        parts = urlsplit(self.endpoint or f"https://{host}.{self.region}.amazonaws.com")
        names = [parts.path.strip("/"), "" if self.is_virtual else self.name, self.prefix, key]
        path = "/" + "/".join(name for name in names if name)
        return parts.scheme, parts.netloc.lower().removesuffix(_PORTS[parts.scheme]), quote(path, safe="/-_.~")


def parsed_bucket(url: str) -> Bucket:
    """Return the bucket of `s3://bucket/prefix?endpoint=https://...&region=...&style=virtual`.

    Raises:
        UsageError: When it is not such an address.
    """
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise UsageError(f"server.objects_url is not {_FORM}: {exc}") from exc
    if "@" in url.partition("endpoint=")[0] or ":" in parts.netloc:  # One of the parts may be a secret: none is told.
        raise UsageError(
            f"server.objects_url is not {_FORM}: it names a user or a port before its path",
            hint="give keys with server.objects_key_id and its secret, and a port within endpoint",
        )
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = set(asked) - _KNOWN
    if parts.scheme != "s3" or not parts.netloc or unknown:
        raise UsageError(
            f"server.objects_url {url.partition('?')[0]!r:.80} is not {_FORM}"
            + (f" (unknown: {', '.join(sorted(unknown))})" if unknown else "")
        )
    style = asked.get("style", _STYLES[0])
    if style not in _STYLES:
        raise UsageError(f"style {style!r:.40} of server.objects_url is none of {', '.join(_STYLES)}")
    return Bucket(
        parts.netloc,
        parts.path.strip("/"),
        asked.get("endpoint", ""),
        asked.get("region", _REGION),
        style == "virtual",
    )


def _is_server(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        parts.port  # noqa: B018  # It is parsed here.
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in _PORTS and bool(parts.hostname) and is_plain and endpoint.isascii() and " " not in endpoint
