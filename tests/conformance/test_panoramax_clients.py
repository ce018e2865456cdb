"""What iD, JOSM's plugin, MapComplete's client and the web viewer ask a Panoramax server for.

Their requests are replayed as they make them: what they take apart here, they take apart in just this way.
"""

import json
import math
from urllib.parse import quote

import made_bundles
import mapbox_vector_tile
import pytest
from made_bundles import HERE
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy, destination, tile_xy
from dashlight.wire import published_sequence

PICTURES = 40
SEQUENCE = published_sequence(made_bundles.SEQUENCE)
JPEG = b"\xff\xd8"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("panoramax"), name="Streets of Test") as running:
        running.receipt = running.publish(made_bundles.archive(PICTURES, bundle_number=1))
        running.publish(personal_archive(5, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        yield running


@pytest.fixture(scope="module")
def read(server):
    def get(address, status=200):
        reply = server.client.get(address)
        assert reply.status_code == status, reply.text
        return reply

    return get


@pytest.fixture(scope="module")
def landing(read):
    return read("/api").json()


@pytest.fixture(scope="module")
def link(landing):
    def href(rel, media_type):
        return next(one["href"] for one in landing["links"] if (one["rel"], one.get("type")) == (rel, media_type))

    return href


def tile_at(read, zoom, *, position=HERE):
    x, y = tile_xy(position, zoom)
    content = read(f"/api/map/{zoom}/{x}/{y}.mvt").content
    layers = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
    return {name: layer["features"] for name, layer in layers.items()}


def haversine_m(one, other):
    (lon1, lat1), (lon2, lat2) = (map(math.radians, each) for each in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_009 * math.asin(math.sqrt(half))


# The web viewer


def test_the_landing_page_has_every_link_that_the_viewer_looks_for(landing, link, read):
    assert landing["stac_version"].startswith("1.")
    west, south, east, north = landing["extent"]["spatial"]["bbox"][0]
    assert west <= HERE.lon <= east
    assert south <= HERE.lat <= north
    for rel, media_type in (
        ("search", "application/geo+json"),
        ("data", "application/json"),
        ("xyz", "application/vnd.mapbox-vector-tile"),
        ("xyz-style", "application/json"),
        ("collection-preview", "image/jpeg"),
        ("item-preview", "image/jpeg"),
        ("report", "application/json"),
        ("user-search", "application/json"),
    ):
        assert link(rel, media_type).startswith("http")
    assert read("/api/configuration").json()["auth"] == {"enabled": False}


def test_the_style_names_layers_and_fields_that_the_tiles_have(link, read):
    style = read(link("xyz-style", "application/json")).json()

    assert {layer["id"] for layer in style["layers"]} == {"geovisio_grid", "geovisio_sequences", "geovisio_pictures"}
    for zoom, names in ((4, ["grid"]), (12, ["sequences"]), (15, ["sequences", "pictures"])):
        layers = tile_at(read, zoom)
        for name in names:
            assert set(layers[name][0]["properties"]) == set(style["metadata"]["panoramax:fields"][name])


def test_previews_are_pictures(link, read, server):
    picture = str(server.receipt.picture_ids[0])

    assert read(link("item-preview", "image/jpeg").replace("{id}", picture)).content[:2] == JPEG
    assert read(link("collection-preview", "image/jpeg").replace("{id}", str(SEQUENCE))).content[:2] == JPEG


def test_the_viewer_can_show_a_picture_that_it_finds_by_its_id_alone(link, read, server):
    picture = str(server.receipt.picture_ids[7])

    (item,) = read(f"{link('search', 'application/geo+json')}?ids={picture}").json()["features"]

    visual = next(a for a in item["assets"].values() if "visual" in a["roles"] and a["type"] == "image/jpeg")
    assert read(visual["href"]).content[:2] == JPEG
    assert item["properties"]["pers:interior_orientation"]["sensor_array_dimensions"] == [64, 36]
    neighbours = {one["rel"]: one["id"] for one in item["links"] if one["rel"] in ("prev", "next")}
    ids = [str(one) for one in server.receipt.picture_ids]
    assert neighbours == {"prev": ids[6], "next": ids[8]}
    assert item["providers"][-1]["name"] == "Streets of Test"


def test_a_click_on_a_sequence_finds_its_nearest_picture(link, read):
    lon, lat, factor = HERE.lon, HERE.lat, 0.01
    box = ",".join(f"{value:.7f}" for value in (lon - factor, lat - factor, lon + factor, lat + factor))

    found = read(f"{link('search', 'application/geo+json')}?bbox={box}&limit=1&collections={SEQUENCE}").json()

    assert [one["collection"] for one in found["features"]] == [str(SEQUENCE)]


def test_a_report_of_the_viewer_hides_its_picture(tmp_path):
    with served(tmp_path / "data") as server:
        receipt = server.publish(made_bundles.archive(25))
        picture = str(receipt.picture_ids[0])
        told = {
            "issue": "privacy",
            "picture_id": picture,
            "reporter_comments": "my door",
            "reporter_email": "someone@example.org",
            "sequence_id": str(SEQUENCE),
        }

        reply = server.client.post("/api/reports", json=told)

        assert reply.status_code == 200
        assert reply.json()["hidden"] is True
        assert server.client.get(f"/api/pictures/{picture}/hd.jpg").status_code == 410
        assert b"someone@example.org" not in b"".join(
            path.read_bytes() for path in (tmp_path / "data").glob("dashlight.sqlite*")
        )


def test_a_report_of_a_whole_sequence_hides_one_picture_at_most(tmp_path):
    with served(tmp_path / "data") as server:
        receipt = server.publish(made_bundles.archive(25))
        told = {"issue": "blur_missing", "picture_id": None, "sequence_id": str(SEQUENCE), "reporter_comments": ""}

        reply = server.client.post("/api/reports", json=told)

        assert reply.json()["picture_id"] == str(receipt.picture_ids[0])
        left = server.client.get(f"/api/collections/{SEQUENCE}/items?limit=100").json()
        assert left["numberReturned"] == 24


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"issue": "ugly", "picture_id": str(SEQUENCE)}, "issue"),
        ({"issue": "privacy"}, "picture_id"),
        ({"picture_id": str(SEQUENCE)}, "issue"),
        ({"issue": "privacy", "picture_id": str(SEQUENCE), "reporter_comments": "x" * 901}, "reporter_comments"),
        ({"issue": "privacy", "sequence_id": "personal-"}, "personal-"),
    ],
)
def test_a_report_that_cannot_be_read_says_why(server, told, words):
    if told.get("sequence_id"):
        names = [one["id"] for one in server.client.get("/api/collections").json()["collections"]]
        told = told | {"sequence_id": next(name for name in names if name.startswith("personal-"))}

    reply = server.client.post("/api/reports", json=told)

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert words in reply.json()["detail"]


@pytest.mark.parametrize("rank", [0, 3])
def test_a_hidden_picture_leaves_tiles_that_were_drawn_before(tmp_path, rank):
    with served(tmp_path / "data") as server:
        receipt = server.publish(made_bundles.archive(33))
        picture = str(receipt.picture_ids[rank])

        def read(address):
            return server.client.get(address)

        def drawn():
            near = {each["properties"]["id"] for each in tile_at(read, 15)["pictures"]}
            return near, [tile_at(read, zoom).get("sequences") for zoom in (8, 12, 15)]

        before, lines = drawn()
        server.client.post("/api/reports", json={"issue": "privacy", "picture_id": picture})
        after, lines_after = drawn()

        assert before - after == {picture}
        assert lines_after[2] != lines[2]
        assert (lines_after[0], lines_after[1]) == (lines[0], lines[1]) if rank else lines_after[:2] != lines[:2]


# iD


def test_id_draws_lines_and_opens_pictures_from_the_tiles(read, server):
    here, beside = tile_at(read, 15), tile_at(read, 15, position=destination(HERE, 90.0, PICTURES * 5.0))

    lines = {feature["properties"]["id"] for feature in here["sequences"]}
    assert lines == {str(SEQUENCE)}
    seen = set()
    for feature in here["pictures"] + beside["pictures"]:
        properties = feature["properties"]
        sequence_id = properties["sequences"].split('"')[1]
        assert properties["first_sequence"] == sequence_id
        assert json.loads(properties["sequences"]) == [sequence_id]
        assert 0 <= int(properties["heading"]) < 360
        page = read(f"/api/collections/{sequence_id}/items?limit=1000").json()
        item = next(one for one in page["features"] if one["id"] == properties["id"])
        for definition in ("hd", "sd"):
            assert read(item["assets"][definition]["href"]).content[:2] == JPEG
        seen.add(properties["id"])
    assert set(map(str, server.receipt.picture_ids)) <= seen


def test_id_names_the_account_of_a_picture(read):
    (feature, *_) = tile_at(read, 15)["pictures"]
    account = feature["properties"]["account_id"]

    assert read(f"/api/users/{account}").json()["name"] == "Streets of Test"
    found = read(f"/api/users/search?q={quote('Streets of Test')}").json()["features"]
    assert [one["id"] for one in found if one["name"] == "Streets of Test"] == [account]
    assert read("/api/users/search?q=nobody").json()["features"] == []
    assert read(f"/api/users/{SEQUENCE}", status=404).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("zoom", range(7, 16))
def test_lines_are_drawn_where_the_sequence_is(read, zoom):
    (line,) = tile_at(read, zoom)["sequences"]

    x, y = tile_xy(HERE, zoom)
    for at_x, at_y in line["geometry"]["coordinates"]:
        lon = (x + at_x / 4096) / (1 << zoom) * 360 - 180
        lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + at_y / 4096) / (1 << zoom)))))
        tolerance_m = 220 + 16 * 40_075_000 / (1 << zoom) / 4096
        assert haversine_m((lon, lat), (HERE.lon, HERE.lat)) <= tolerance_m
    assert line["properties"]["date"] == "2026-11-23"


def test_personal_pictures_are_on_no_line(read):
    layers = tile_at(read, 15)

    personal = [f for f in layers["pictures"] if f["properties"]["first_sequence"].startswith("personal-")]
    assert personal
    assert all(feature["properties"]["id"] == str(SEQUENCE) for feature in layers["sequences"])
    for feature in personal:
        (item,) = read(f"/api/search?ids={feature['properties']['id']}").json()["features"]
        assert not {"prev", "next"} & {one["rel"] for one in item["links"]}
        assert "geovisio:rank_in_collection" not in item["properties"]


# JOSM's plugin


def test_josm_reads_a_sequence_page_by_page(server, read):
    assert server.client.head("/api/live").status_code == 200
    pictures, address = [], f"/api/collections/{SEQUENCE}/items"
    while address:
        page = read(address).json()
        pictures += page["features"]
        address = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)

    assert [one["id"] for one in pictures] == list(map(str, server.receipt.picture_ids))
    ranks = [one["properties"]["geovisio:rank_in_collection"] for one in pictures]
    assert ranks == list(range(1, PICTURES + 1))
    for one in pictures:
        assert isinstance(one["properties"]["exif"], dict)
        assert isinstance(one["properties"]["semantics"], list)
        assert one["properties"]["geovisio:status"] == "ready"
        assert one["properties"]["datetimetz"].endswith("+00:00")


# MapComplete's client


def test_mapcomplete_walks_all_collections(read):
    names, address = [], "/api/collections?limit=2"
    while address:
        page = read(address).json()
        names += [one["id"] for one in page["collections"]]
        assert all(one["stats:items"]["count"] >= 1 for one in page["collections"])
        address = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)

    assert len(names) == len(set(names))
    assert str(SEQUENCE) in names


def test_a_map_of_the_world_counts_every_picture(read):
    layers = [tile_at(read, zoom) for zoom in range(7)]

    for layer in layers:
        cells = [feature["properties"] for feature in layer["grid"]]
        assert sum(cell["nb_pictures"] for cell in cells) == PICTURES + 5
        assert all(0 < cell["coef"] <= 1 and cell["nb_360_pictures"] == 0 for cell in cells)


@pytest.mark.parametrize(
    "path", ["/api/map/16/0/0.mvt", "/api/map/3/8/0.mvt", "/api/map/3/0/-1.mvt", "/api/map/x/0/0.mvt"]
)
def test_a_tile_that_is_not_there_is_refused(read, path):
    assert read(path, status=400).headers["content-type"] == "application/problem+json"


def test_a_tile_without_anything_is_empty(read):
    reply = read("/api/map/15/0/0.mvt")

    assert reply.content == b""
    assert reply.headers["content-type"] == "application/vnd.mapbox-vector-tile"


def test_other_sites_may_read_and_report(server):
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}

    reply = server.client.options("/api/reports", headers=asked)

    assert reply.headers["access-control-allow-origin"] == "*"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "Content-Type" in reply.headers["access-control-allow-headers"]
