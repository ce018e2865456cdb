"""Names of the basemap: which country or state a position is most likely in or near.

The basemap has one point a name and no areas; see `web/map/places.js`, which does the same in browsers:
tests/golden/places.json holds names that both have to give.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dashlight.catalog.assets import Assets
from dashlight.errors import NotFound
from dashlight.model import LonLat, distance_m

COUNTRY_OF_STATES = "United States of America"  # The basemap divides no other.
REACH_OF_RANK_M = (1.2e6, 6e5, 3.2e5, 1.6e5, 6e4, 1.5e4)  # About half the width of a country or state of each rank.
_MOST_CANDIDATES = 8
_BASEMAP = "vendor/basemap"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Label:
    """A name and its point."""

    name: str
    position: LonLat
    reach_m: float


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Names, and the lines between them.

    Attributes:
        countries: Their labels.
        states: Those of `COUNTRY_OF_STATES`.
        borders: `(N, 4)`, pieces of the lines between countries: lon, lat, lon, lat.
        state_lines: The same between states.
    """

    countries: tuple[Label, ...] = ()
    states: tuple[Label, ...] = ()
    borders: Floats = field(default_factory=lambda: np.empty((0, 4)))
    state_lines: Floats = field(default_factory=lambda: np.empty((0, 4)))

    def name_near(self, position: LonLat) -> str | None:
        """Return the country, after its state where there are states; None without a basemap."""
        country = _likely(self.countries, self.borders, position)
        if country is None or country.name != COUNTRY_OF_STATES:
            return country.name if country else None
        state = _likely(self.states, self.state_lines, position)
        return f"{state.name}, {country.name}" if state else country.name


def load_gazetteer(assets: Assets) -> Gazetteer:
    """Return the names of the basemap that is shipped; none when it is not there."""
    try:
        labels, borders, states = (
            json.loads(assets.find(f"{_BASEMAP}/{name}.geojson").content)["features"]
            for name in ("labels", "borders", "states")
        )
    except NotFound:
        return Gazetteer()
    return Gazetteer(
        countries=tuple(_labels(labels, "country")),
        states=tuple(_labels(labels, "state")),
        borders=_pieces(borders),
        state_lines=_pieces(states),
    )


def _labels(features: list[dict[str, Any]], kind: str) -> list[Label]:
    found = [(each["properties"], each["geometry"]["coordinates"]) for each in features]
    return [Label(of["name"], LonLat(*at), _reach_m(of["rank"])) for of, at in found if of["kind"] == kind]


def _reach_m(rank: int) -> float:
    return REACH_OF_RANK_M[min(rank, len(REACH_OF_RANK_M) - 1)]


def _pieces(features: list[dict[str, Any]]) -> Floats:
    lines = [np.array(line, np.float64) for each in features for line in each["geometry"]["coordinates"]]
    if not lines:
        return np.empty((0, 4))
    return np.concatenate([np.hstack([line[:-1], line[1:]]) for line in lines])


def _likely(labels: tuple[Label, ...], pieces: Floats, position: LonLat) -> Label | None:
    """Return the nearest label, in widths of what it names, to which no line is in the way; else the nearest."""
    near = sorted(labels, key=lambda each: distance_m(position, each.position) / each.reach_m)[:_MOST_CANDIDATES]
    free = (each for each in near if not _is_crossed(pieces, position, each.position))
    return next(free, near[0] if near else None)


def _is_crossed(pieces: Floats, start: LonLat, end: LonLat) -> bool:
    """Return whether the straight way from `start` to `end` crosses one of the pieces."""
    a, b = np.array([start.lon, start.lat]), np.array([end.lon, end.lat])
    p, q = pieces[:, :2], pieces[:, 2:]

    def side(x: Floats, y: Floats, z: Floats) -> Floats:
        return np.sign(
            (y[..., 0] - x[..., 0]) * (z[..., 1] - x[..., 1]) - (y[..., 1] - x[..., 1]) * (z[..., 0] - x[..., 0])
        )

    return bool(np.any((side(a, b, p) != side(a, b, q)) & (side(p, q, a) != side(p, q, b))))
