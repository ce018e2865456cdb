"""Write `places.json`: what the basemap calls many positions; `tools/make_golden.py` calls it. Review the diff.

The names of `catalog.pages.gazetteer`. `web/map/places.js` has to give the same ones, which tests/browser asks it.
"""

import json
from importlib import resources
from pathlib import Path
from random import Random

from dashlight.catalog.assets import Assets
from dashlight.catalog.pages.gazetteer import load_gazetteer
from dashlight.model import LonLat

STORED = Path(__file__).with_name("places.json")
COUNT = 40  # Of each box, of two decimals: so finely the browser remembers names.
BOXES = {
    "europe": (-10.0, 36.0, 30.0, 60.0),
    "states": (-124.0, 26.0, -68.0, 49.0),
    "americas": (-110.0, -50.0, -40.0, 25.0),
    "africa": (-15.0, -34.0, 50.0, 35.0),
    "asia": (35.0, -10.0, 179.0, 70.0),
    "world": (-180.0, -85.0, 180.0, 85.0),
}


def positions() -> list[tuple[float, float]]:
    """Return where names are asked for: the same ones each time."""
    random = Random(1)
    return [
        (round(random.uniform(west, east), 2), round(random.uniform(south, north), 2))
        for west, south, east, north in BOXES.values()
        for _ in range(COUNT)
    ]


def named() -> list[list[float | str | None]]:
    """Return longitude, latitude and name of each position."""
    gazetteer = load_gazetteer(Assets(Path(str(resources.files("dashlight.web")))))
    return [[lon, lat, gazetteer.name_near(LonLat(lon, lat))] for lon, lat in positions()]


def write() -> None:
    """Write the table."""
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in named())
    STORED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
