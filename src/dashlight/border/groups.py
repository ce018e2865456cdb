"""Which kind of request this is, by method and path: rates are of a kind, and contributors are never counted."""

from __future__ import annotations

from enum import StrEnum

_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_SEARCHED = ("/search", "/items", "/v1/pictures", "/v1/histogram", "/v1/find")
_TILE_ENDS = (".mvt", ".pbf", ".png", ".webp")
_OPERATED = "/operator/"
_CONTRIBUTED = frozenset({"/v1/enrolments", "/v1/tokens"})


class Group(StrEnum):
    """A kind of request."""

    READS = "reads"
    TILES = "tiles"
    SEARCHES = "searches"
    LIVE = "live"
    REPORTS = "reports"
    WRITES = "writes"
    PROBES = "probes"


def group_of(method: str, path: str) -> Group:
    """Return the kind of a request; `WRITES` are those of contributors and operators."""
    path = path.rstrip("/") or "/"
    if path in _PROBES:
        return Group.PROBES
    if method == "POST" and path.endswith(("/report", "/reports")) and not path.startswith(_OPERATED):
        return Group.REPORTS
    if path.endswith(_SEARCHED):
        return Group.SEARCHES
    if method in ("PUT", "PATCH", "DELETE", "POST") or path in _CONTRIBUTED:
        return Group.WRITES
    if path == "/live":
        return Group.LIVE
    return Group.TILES if path.endswith(_TILE_ENDS) else Group.READS
