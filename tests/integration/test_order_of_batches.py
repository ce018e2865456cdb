"""No public list tells in which daily batch a `personal` picture came: of equal times, the order does not follow it."""

import gzip
import math
import random

import export_readers
import mapbox_vector_tile
import pytest
import sqlalchemy as sa
from derived_rows import picture
from made_bundles import HERE
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy, tile_xy
from dashlight.store import schema
from dashlight.store.publish import add_object, publish

BATCHES = 3
CONTRIBUTORS = 48  # Of each batch, with one picture each, all of one place, month and heading.
MOST_FROM_HALF = 0.45
BBOX = f"{HERE.lon - 0.5},{HERE.lat - 0.5},{HERE.lon + 0.5},{HERE.lat + 0.5}"
OF_PERSONAL = "\"dashlight:policy\"='personal'"
OF_FLEET = "\"dashlight:policy\"='fleet'"
EXPORTS = ("geoparquet", "partitions", "bundles")


def followed(ids, batch_of):
    """Return how often a picture of the first batch stands before one of the last, from 0 to 1.

    Of a random order it is near 0.5. Hoeffding's bound for such means over pairs (1963, section 5) says how seldom it
    is further away than `MOST_FROM_HALF`: 2 exp(-2 n t^2), which is 8e-9 for 48 of each.
    """
    assert 2 * math.exp(-2 * CONTRIBUTORS * MOST_FROM_HALF**2) < 1e-8
    first = [at for at, each in enumerate(ids) if batch_of[each] == 0]
    last = [at for at, each in enumerate(ids) if batch_of[each] == BATCHES - 1]
    assert len(first) == len(last) == CONTRIBUTORS
    return sum(a < b for a in first for b in last) / CONTRIBUTORS**2


@pytest.fixture(scope="module", params=["sqlite-folder", "postgresql-folder"])
def shown(request, backends, tmp_path_factory):
    """A server with three daily batches, and with as many `fleet` pictures of one moment that came in three turns."""
    folder = tmp_path_factory.mktemp("batches")
    with served(folder, **backends.settings(request.param)) as running:
        running.batch_of, running.turn_of = {}, {}
        for batch in range(BATCHES):
            for n in range(CONTRIBUTORS):
                archive = personal_archive(1, 1 + batch * CONTRIBUTORS + n)
                assert running.put(archive, policy=Policy.PERSONAL).status_code == 201
            publish_staged(running.store.database, running.store.objects)
            for each in ids_of(running, Policy.PERSONAL):
                running.batch_of.setdefault(each, batch)
            running.store.database.write(lambda t, batch=batch: fleet_turn(t, batch))
            for each in ids_of(running, Policy.FLEET):
                running.turn_of.setdefault(each, batch)
        export_readers.make(running, folder, *EXPORTS, "pmtiles")
        yield running


def fleet_turn(transaction, batch):
    new = [picture(HERE.lon, HERE.lat, 0, 90.0) for _ in range(CONTRIBUTORS)]
    number = add_object(transaction, f"bundles/{batch:02}/x", size_bytes=2_000, head_bytes=0)
    publish(transaction, new, policy=Policy.FLEET, object_number=number, sequence=None)


def ids_of(running, policy):
    reply = running.client.get("/v1/pictures", params={"limit": 500, "policy": policy})
    return [each["id"] for each in reply.json()["features"]]


def paged(running, url, params):
    """Return the ids of all pages of a list, each of which is followed by the link or cursor of the one before."""
    found = []
    page = running.client.get(url, params=params).json()
    while True:
        found += [each["id"] for each in page["features"]]
        assert len(found) <= 2 * BATCHES * CONTRIBUTORS, "pages repeat themselves"
        linked = [link["href"] for link in page.get("links", ()) if link["rel"] == "next"]
        if "next" in page:
            page = running.client.get(url, params={**params, "cursor": page["next"]}).json()
        elif linked:
            page = running.client.get(linked[0]).json()
        else:
            return found


def collection_of(running):
    (name,) = {
        each["collection"]
        for each in running.client.get("/api/search", params={"filter": OF_PERSONAL, "limit": 9}).json()["features"]
    }
    return name


LISTS = {
    "pictures along time": lambda s: paged(s, "/v1/pictures", {"limit": 20, "policy": "personal"}),
    "pictures of an area": lambda s: paged(s, "/v1/pictures", {"limit": 20, "policy": "personal", "bbox": BBOX}),
    "search": lambda s: paged(s, "/api/search", {"limit": 13, "filter": OF_PERSONAL}),
    "search, oldest first": lambda s: paged(
        s, "/api/search", {"limit": 13, "filter": OF_PERSONAL, "sortby": "+datetime"}
    ),
    "search of an area": lambda s: paged(s, "/api/search", {"limit": 13, "bbox": BBOX, "filter": OF_PERSONAL}),
    "search of an area, oldest first": lambda s: paged(
        s, "/api/search", {"limit": 13, "bbox": BBOX, "filter": OF_PERSONAL, "sortby": "+datetime"}
    ),
    "search by name": lambda s: paged(s, "/api/search", {"limit": 13, "ids": ",".join(sorted(s.batch_of))}),
    "search of a collection": lambda s: paged(s, "/api/search", {"limit": 13, "collections": collection_of(s)}),
    "items of a collection": lambda s: paged(s, f"/api/collections/{collection_of(s)}/items", {"limit": 13}),
    "items of a collection, oldest first": lambda s: paged(
        s, f"/api/collections/{collection_of(s)}/items", {"limit": 13, "sortby": "+datetime"}
    ),
    "features": lambda s: paged(s, "/ogc/collections/pictures/items", {"limit": 20, "policy": "personal"}),
    "features of an area": lambda s: paged(
        s, "/ogc/collections/pictures/items", {"limit": 20, "policy": "personal", "bbox": BBOX}
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_holds_every_picture_once_and_tells_no_batch(shown, name):
    ids = LISTS[name](shown)

    assert sorted(ids) == sorted(shown.batch_of)
    assert len(shown.batch_of) == BATCHES * CONTRIBUTORS
    assert abs(followed(ids, shown.batch_of) - 0.5) <= MOST_FROM_HALF


@pytest.mark.parametrize("url", ["/v1/pictures", "/api/search"])
def test_this_would_be_noticed(shown, url):
    """The control: `fleet` pictures of one moment are in the order of their coming, which is public of them."""
    wish = {"policy": "fleet"} if url.startswith("/v1") else {"filter": OF_FLEET}

    ids = paged(shown, url, {"limit": 13, **wish})

    assert sorted(ids) == sorted(shown.turn_of)
    assert followed(ids, shown.turn_of) == 0.0, "the newest first"


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_holds_every_picture_once_and_tells_no_batch(shown, name):
    ids = [row["id"] for row in export_readers.rows(shown, name) if row["id"] in shown.batch_of]

    assert sorted(ids) == sorted(shown.batch_of)
    assert abs(followed(ids, shown.batch_of) - 0.5) <= MOST_FROM_HALF


@pytest.mark.parametrize("zoom", [14, 15])
@pytest.mark.parametrize("is_exported", [False, True])
def test_a_tile_tells_no_batch(shown, zoom, is_exported):
    x, y = tile_xy(HERE, zoom)
    if is_exported:
        content = export_readers.tiles(shown).get(zoom, x, y)
        if content is None:
            pytest.skip(f"the archive ends before zoom {zoom}")
        content = gzip.decompress(content)
    else:
        content = shown.client.get(f"/v1/tiles/{zoom}/{x}/{y}.mvt").content
    layers = mapbox_vector_tile.decode(content)
    ids = [each["properties"]["id"] for each in layers["pictures"]["features"]]

    assert abs(followed([each for each in ids if each in shown.batch_of], shown.batch_of) - 0.5) <= MOST_FROM_HALF


@pytest.fixture(params=["sqlite-folder", "postgresql-folder"])
def database(request, tmp_path, backends):
    store = backends.store(tmp_path, request.param)
    yield store.database
    store.database.close()


def batch(database, new, *, key, policy=Policy.PERSONAL):
    def job(transaction):
        number = add_object(transaction, key, size_bytes=2_000, head_bytes=0)
        publish(transaction, new, policy=policy, object_number=number, sequence=None)

    database.write(job)


def test_the_freshest_of_equal_times_is_not_the_last_that_came(database):
    places = [7.0 + n / 1_000 for n in range(60)]
    last = []
    for n in range(BATCHES):
        last = [picture(lon, 50.0, 0, 0.0) for lon in places]
        batch(database, last, key=str(n))

    with database.read() as connection:
        shown = connection.execute(
            sa.select(schema.picture.c.id).join(schema.live, schema.live.c.number == schema.picture.c.number)
        ).scalars()
        of_the_last = {bytes(each) for each in shown} & {each.id for each in last}

    # Of 60 fair draws out of three, at least 3 and at most 50: all else is less likely than 1e-6.
    assert 3 <= len(of_the_last) <= 50


def test_the_heading_of_a_cell_does_not_depend_on_the_order_of_batches(tmp_path, backends):
    batches = [[picture(7.0, 50.0, 0, heading) for heading in some] for some in ([10.0, 350.0], [20.0], [359.0, 1.0])]
    random.Random(3).shuffle(batches)
    told = []
    for name, order in (("there", batches), ("back", batches[::-1])):
        store = backends.store(tmp_path / name, "sqlite-folder")
        for n, new in enumerate(order):
            batch(store.database, new, key=str(n))
        with store.database.read() as connection:
            told.append(connection.exec_driver_sql("SELECT * FROM cover ORDER BY resolution, qk").all())
        store.database.close()

    assert told[0] == told[1]
    assert {row.heading_ddeg for row in told[0]} == {3590}
