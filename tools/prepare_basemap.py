"""Make the basemap out of the country and state outlines of two npm packages.

`world-atlas` and `us-atlas` hold Natural Earth and US Census outlines as TopoJSON. Drawn
raw on a flat map they are wrong: rings cross the antimeridian and enclose the pole (they
are meant for a globe), and some cross themselves, which turned the Bay of Biscay into
land. So every ring is unrolled, made valid, cut at the antimeridian and put on
a grid of 0.005 degrees; the union of the countries is the land.

What comes out, GeoJSON in longitude and latitude:

- `land.geojson`: one MultiPolygon of all land, exterior rings counter-clockwise;
  the Caspian Sea is water, other lakes are land, as in the source.
- `borders.geojson`: one MultiLineString of the lines that two countries share.
- `states.geojson`: the same for the states of the United States.
- `labels.geojson`: one point inside the largest part of every country and state, with
  `name` (as the source abbreviates it, written out), `kind` (`country` or `state`) and
  `rank`: 0 for the largest areas to 5 for the smallest, to be shown from zoom `rank + 1`
  (states from `rank + 2`) on.

Grid and simplification (about 0.5 and 1 km) stay below what the source's 1:50,000,000 can
show; the grid also makes the bytes independent of the last digits of floating-point arithmetic.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections import Counter
from typing import Any

import shapely
from shapely import LineString, MultiLineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Coordinates = list[tuple[float, float]]
Topology = dict[str, Any]

GRID_DEG = 0.005
DECIMALS = 3
SIMPLIFY_DEG = 0.01  # At most 1.1 km: 0.02 mm on the 1:50,000,000 sheet that the outlines come from.
POLAR_RING_LAT = 89.9
# Square degrees at the equator's scale; a country below the last has rank 5.
RANK_AREAS = (300.0, 60.0, 15.0, 3.0, 0.3)
WRITTEN_OUT = {
    "Antigua and Barb.": "Antigua and Barbuda",
    "Ashmore and Cartier Is.": "Ashmore and Cartier Islands",
    "Bosnia and Herz.": "Bosnia and Herzegovina",
    "Br. Indian Ocean Ter.": "British Indian Ocean Territory",
    "British Virgin Is.": "British Virgin Islands",
    "Cayman Is.": "Cayman Islands",
    "Central African Rep.": "Central African Republic",
    "Cook Is.": "Cook Islands",
    "Dem. Rep. Congo": "Democratic Republic of the Congo",
    "Dominican Rep.": "Dominican Republic",
    "Eq. Guinea": "Equatorial Guinea",
    "Faeroe Is.": "Faroe Islands",
    "Falkland Is.": "Falkland Islands",
    "Fr. Polynesia": "French Polynesia",
    "Fr. S. Antarctic Lands": "French Southern and Antarctic Lands",
    "Heard I. and McDonald Is.": "Heard Island and McDonald Islands",
    "Indian Ocean Ter.": "Indian Ocean Territories",
    "Macedonia": "North Macedonia",
    "Marshall Is.": "Marshall Islands",
    "N. Cyprus": "Northern Cyprus",
    "N. Mariana Is.": "Northern Mariana Islands",
    "Pitcairn Is.": "Pitcairn Islands",
    "S. Geo. and the Is.": "South Georgia and the South Sandwich Islands",
    "S. Sudan": "South Sudan",
    "Solomon Is.": "Solomon Islands",
    "St-Barthélemy": "Saint Barthélemy",
    "St-Martin": "Saint Martin",
    "St. Kitts and Nevis": "Saint Kitts and Nevis",
    "St. Pierre and Miquelon": "Saint Pierre and Miquelon",
    "St. Vin. and Gren.": "Saint Vincent and the Grenadines",
    "Turks and Caicos Is.": "Turks and Caicos Islands",
    "U.S. Virgin Is.": "U.S. Virgin Islands",
    "W. Sahara": "Western Sahara",
    "Wallis and Futuna Is.": "Wallis and Futuna",
    "eSwatini": "Eswatini",
}


def decoded_arcs(topology: Topology) -> list[Coordinates]:
    """Return every arc of a quantised TopoJSON file in degrees."""
    (scale_x, scale_y), (shift_x, shift_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        steps_x = itertools.accumulate(point[0] for point in arc)
        steps_y = itertools.accumulate(point[1] for point in arc)
        arcs.append([(x * scale_x + shift_x, y * scale_y + shift_y) for x, y in zip(steps_x, steps_y, strict=True)])
    return arcs


def ring_of(arcs: list[Coordinates], indices: list[int]) -> Coordinates:
    """Join arcs to a ring; `~index` is an arc backwards."""
    ring: Coordinates = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        ring.extend(arc[1:] if ring else arc)
    return ring


def unrolled(line: Coordinates) -> Coordinates:
    """Return the line with longitudes that never jump, so perhaps beyond 180 degrees."""
    result = line[:1]
    for (before, _), (lon, lat) in itertools.pairwise(line):
        turns = round((lon - before) / 360)
        result.append((result[-1][0] + lon - before - 360 * turns, lat))
    return result


def unrolled_polygon(ring: Coordinates) -> BaseGeometry:
    """Return the area inside a ring on the globe, as valid flat geometry near -180..180.

    A ring that goes once around the globe encloses a pole: the edge of the flat map there
    is added.
    """
    points = unrolled(ring)
    drift = points[-1][0] - points[0][0]
    if abs(drift) > 180:
        pole = math.copysign(90, sum(lat for _, lat in points))
        points = [*points, (points[-1][0], pole), (points[0][0], pole)]
    return shapely.make_valid(Polygon(points))


def wrapped(geometry: BaseGeometry) -> BaseGeometry:
    """Cut at the antimeridian and bring all parts within -180..180."""
    west, _, east, _ = geometry.bounds
    if west >= -180 and east <= 180:
        return geometry
    parts = []
    for turn in range(math.floor((west + 180) / 360), math.floor((east + 180) / 360) + 1):
        window = shapely.box(-180 + 360 * turn, -90, 180 + 360 * turn, 90)
        part = shapely.intersection(geometry, window)
        parts.append(shapely.transform(part, lambda xy, by=360 * turn: xy - (by, 0)))
    return shapely.union_all(parts)


def area_of(arcs: list[Coordinates], geometry: dict[str, Any]) -> BaseGeometry:
    """Return one TopoJSON object's area, valid and within -180..180.

    A point is inside when an odd number of a polygon's rings is around it. Rings drawn
    around a pole as a line say nothing on a flat map and are left out, so that Antarctica
    reaches down to it.
    """
    polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry.get("arcs", [])
    parts = []
    for indices in polygons:
        rings = [ring_of(arcs, each) for each in indices]
        kept = [ring for ring in rings if any(abs(lat) < POLAR_RING_LAT for _, lat in ring)]
        areas = [wrapped(unrolled_polygon(ring)) for ring in kept]
        parts.append(functools.reduce(shapely.symmetric_difference, areas, Polygon()))
    return only_polygons(shapely.union_all(parts))


def only_polygons(geometry: BaseGeometry) -> MultiPolygon:
    """Drop the points and lines that cutting and repairing leave behind."""
    parts = [each for each in shapely.get_parts(geometry, return_index=False) if each.area > 0]
    flat = [inner for each in parts for inner in shapely.get_parts(each) if isinstance(inner, Polygon)]
    return MultiPolygon(flat)


def on_grid(geometry: BaseGeometry) -> BaseGeometry:
    """Return valid geometry with all coordinates on the grid, in a stable order."""
    return shapely.normalize(shapely.set_precision(geometry, GRID_DEG))


def shared_lines(topology: Topology, arcs: list[Coordinates], name: str) -> MultiLineString:
    """Return the arcs that two of the objects have in common, joined and cut at the antimeridian."""
    users: Counter[int] = Counter()
    for geometry in topology["objects"][name]["geometries"]:
        indices = flat_indices(geometry.get("arcs", []))
        users.update({index if index >= 0 else ~index for index in indices})
    lines = [LineString(unrolled(arcs[index])) for index, count in sorted(users.items()) if count > 1]
    merged = shapely.simplify(shapely.line_merge(wrapped(MultiLineString(lines))), SIMPLIFY_DEG)
    parts = [each for each in shapely.get_parts(on_grid(merged)) if isinstance(each, LineString)]
    return MultiLineString(parts)


def flat_indices(nested: list[Any]) -> list[int]:
    """Return the arc indices of a TopoJSON `arcs` member of any depth."""
    if nested and isinstance(nested[0], list):
        return [index for each in nested for index in flat_indices(each)]
    return list(nested)


def label_of(name: str, area: BaseGeometry, kind: str) -> dict[str, Any]:
    """Return the label feature: the middle of the largest inscribed circle of the largest part."""
    parts = shapely.get_parts(area)
    largest = max(parts, key=lambda each: each.area)
    radius = shapely.maximum_inscribed_circle(largest, tolerance=0.01)
    lon, lat = radius.coords[0]
    size = area.area * math.cos(math.radians(lat))
    rank = sum(size < limit for limit in RANK_AREAS)
    return {
        "type": "Feature",
        "properties": {"name": WRITTEN_OUT.get(name, name), "kind": kind, "rank": rank},
        "geometry": {"type": "Point", "coordinates": [round(lon, 2), round(lat, 2)]},
    }


def geojson(features: list[dict[str, Any]]) -> bytes:
    """Return a FeatureCollection as compact UTF-8."""
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def feature(geometry: MultiPolygon | MultiLineString) -> dict[str, Any]:
    """Return a feature without properties, coordinates rounded to the grid."""
    if isinstance(geometry, MultiPolygon):
        oriented = shapely.orient_polygons(geometry, exterior_cw=False)
        coordinates: list[Any] = [
            [rounded(ring.coords) for ring in (part.exterior, *part.interiors)] for part in shapely.get_parts(oriented)
        ]
    else:
        coordinates = [rounded(part.coords) for part in shapely.get_parts(geometry)]
    kind = "MultiPolygon" if isinstance(geometry, MultiPolygon) else "MultiLineString"
    return {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": coordinates}}


def rounded(coordinates: Any) -> list[list[float]]:
    """Return plain numbers; whole degrees without a trailing `.0`, never minus zero."""
    return [[number(lon), number(lat)] for lon, lat in coordinates]


def number(value: float) -> float:
    """Round to the grid's decimals."""
    result = round(float(value), DECIMALS) + 0.0
    return int(result) if result == int(result) else result


def prepare(countries: Topology, states: Topology) -> dict[str, bytes]:
    """Return the four files by name from parsed `countries-50m.json` and `states-10m.json`."""
    country_arcs, state_arcs = decoded_arcs(countries), decoded_arcs(states)
    labels = []
    areas = []
    for geometry in countries["objects"]["countries"]["geometries"]:
        area = area_of(country_arcs, geometry)
        areas.append(area)
        labels.append(label_of(geometry["properties"]["name"], area, "country"))
    for geometry in states["objects"]["states"]["geometries"]:
        area = area_of(state_arcs, geometry)
        labels.append(label_of(geometry["properties"]["name"], area, "state"))
    labels.sort(key=lambda each: (each["properties"]["rank"], each["properties"]["kind"], each["properties"]["name"]))
    united = shapely.union_all(areas, grid_size=GRID_DEG)
    land = only_polygons(on_grid(shapely.simplify(united, SIMPLIFY_DEG, preserve_topology=True)))
    return {
        "land.geojson": geojson([feature(land)]),
        "borders.geojson": geojson([feature(shared_lines(countries, country_arcs, "countries"))]),
        "states.geojson": geojson([feature(shared_lines(states, state_arcs, "states"))]),
        "labels.geojson": geojson(labels),
    }
