"""`pystac-client`, with which people ask STAC APIs in Python, against ours."""

from datetime import UTC, datetime, timedelta

import made_bundles
import pytest
from pystac_client import Client
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy
from dashlight.wire import published_sequence

SEQUENCE = str(published_sequence(made_bundles.SEQUENCE))
PICTURES = 30
WEST, LAT = made_bundles.HERE.lon, made_bundles.HERE.lat


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("stac")) as running:
        running.receipt = running.publish(made_bundles.archive(PICTURES, bundle_number=1))
        running.publish(personal_archive(5, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        yield running


@pytest.fixture(scope="module")
def client(server):
    return Client.open(server.url + "/api")


def ids(search):
    return [item.id for item in search.items()]


@pytest.fixture(params=["GET", "POST"])
def method(request):
    return request.param


def test_it_finds_the_collections_and_their_items(client):
    collections = {c.id: c for c in client.get_collections()}

    assert SEQUENCE in collections
    assert len([name for name in collections if name.startswith("personal-")]) == len(collections) - 1
    assert len(list(collections[SEQUENCE].get_items())) == PICTURES
    assert client.get_collection(SEQUENCE).extent.temporal.intervals[0][0] == made_bundles.START


def test_a_box_finds_what_lies_in_it(client, method):
    fleet = list(client.search(collections=[SEQUENCE], limit=50, method=method).items())
    lons = sorted(item.geometry["coordinates"][0] for item in fleet)

    search = client.search(bbox=[lons[5], LAT - 1, lons[14], LAT + 1], method=method)

    assert search.matched() == 10
    assert {item.geometry["coordinates"][0] for item in search.items()} == set(lons[5:15])


def test_a_polygon_finds_what_lies_in_it(client, method):
    everything = client.search(bbox=[WEST - 0.01, LAT - 0.01, WEST + 0.01, LAT + 0.01], limit=50).item_collection()
    west, east = WEST - 0.0001, max(item.geometry["coordinates"][0] for item in everything)
    triangle = {
        "type": "Polygon",
        "coordinates": [
            [[west, LAT - 0.01], [east, LAT - 0.01], [west, LAT + 0.01], [west, LAT - 0.01]],
        ],
    }

    search = client.search(intersects=triangle, method=method)

    found = [item.geometry["coordinates"][0] for item in search.items()]
    middle = (west + east) / 2
    assert found
    assert all(lon <= middle for lon in found)
    assert search.matched() == len(found) == len([i for i in everything if i.geometry["coordinates"][0] <= middle])


def test_times_find_what_was_captured_then(client, method):
    begin = made_bundles.START + timedelta(seconds=2)

    search = client.search(datetime=[begin, begin + timedelta(seconds=3)], collections=[SEQUENCE], method=method)

    assert [item.datetime for item in search.items()] == [begin + timedelta(seconds=n / 2) for n in range(6, -1, -1)]


def test_a_month_is_found_by_every_moment_of_it(client, method):
    for day in (1, 17, 31):
        search = client.search(datetime=datetime(2026, 10, day, 23, tzinfo=UTC), method=method)
        found = list(search.items())
        assert len(found) == 5
        assert {item.properties["start_datetime"] for item in found} == {"2026-10-01T00:00:00.000Z"}
        assert {item.properties["end_datetime"] for item in found} == {"2026-10-31T23:59:59.999Z"}
    assert ids(client.search(datetime="2026-11-01T00:00:00Z/2026-11-02T00:00:00Z", method=method)) == []
    assert ids(client.search(datetime="../2026-09-30T23:59:59Z", method=method)) == []


def test_names_find_those_pictures(client, server, method):
    wanted = list(server.receipt.picture_ids[3:6])

    search = client.search(ids=wanted, method=method)

    assert search.matched() == 3
    assert sorted(ids(search)) == sorted(wanted)


def test_pages_hold_everything_once_and_in_order(client, server, method):
    search = client.search(collections=[SEQUENCE], limit=7, method=method)

    pages = list(search.pages_as_dicts())

    assert [len(page["features"]) for page in pages] == [7, 7, 7, 7, 2]
    assert [f["id"] for page in pages for f in page["features"]] == list(reversed(server.receipt.picture_ids))
    assert search.matched() == PICTURES


def test_everything_is_counted_and_paged(client, method):
    search = client.search(limit=9, method=method)

    found = ids(search)

    assert len(found) == len(set(found)) == search.matched() == PICTURES + 5


def test_the_order_can_be_turned_round(client, server, method):
    search = client.search(collections=[SEQUENCE], sortby="+properties.datetime", limit=11, method=method)

    assert ids(search) == list(server.receipt.picture_ids)


def test_fields_leave_out_what_is_not_wanted(client, method):
    search = client.search(collections=[SEQUENCE], fields=["geometry", "properties.datetime"], limit=5, method=method)

    item = next(search.items_as_dicts())

    assert set(item) == {"type", "stac_version", "id", "collection", "geometry", "properties"}
    assert set(item["properties"]) == {"datetime"}


def test_filters_hold_in_both_languages(client):
    text = client.search(filter="\"dashlight:policy\" = 'fleet' AND dashlight:rank < 3", method="GET")
    value = {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "dashlight:policy"}, "fleet"]},
            {"op": "<", "args": [{"property": "dashlight:rank"}, 3]},
        ],
    }

    assert len(ids(text)) == 3
    assert ids(text) == ids(client.search(filter=value, method="POST"))


def test_every_item_can_be_read_where_it_says(client, server):
    items = list(client.search(limit=50).items())

    assert items
    for item in items:
        read = server.client.get(item.self_href)
        assert read.status_code == 200
        assert read.json()["id"] == item.id
        assert server.client.get(item.assets["thumb"].href).content[:2] == b"\xff\xd8"
