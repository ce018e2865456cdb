"""What the server's pages and the map name alike; tests/browser/test_modules.py asks the map for the same tables."""

import importlib.util
import json
from pathlib import Path

import pytest

from dashlight.catalog.pages.picture_page import LICENCE_NAMES
from dashlight.model import LICENSES

FOLDER = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("make_places", FOLDER / "make_places.py")
make_places = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_places)


def test_places_have_the_names_that_are_stored():
    names = make_places.named()
    if not any(name for *_, name in names):
        pytest.skip("no basemap: `make vendor` fetches it")

    assert names == json.loads(make_places.STORED.read_text(encoding="utf-8"))


def test_licences_have_the_names_that_are_stored():
    stored = json.loads((FOLDER / "licences.json").read_text(encoding="utf-8"))

    assert {name: list(words) for name, words in LICENCE_NAMES.items()} == stored
    assert tuple(stored) == LICENSES
