"""OGC API - Features over a real server: what it says, page by page, and what it refuses."""

import itertools

import made_bundles
import pytest
from jsonschema import Draft202012Validator
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy, destination
from dashlight.wire import published_sequence

HERE, SEQUENCE = made_bundles.HERE, str(published_sequence(made_bundles.SEQUENCE))
PICTURES, PERSONAL = 30, 5
ITEMS = "/ogc/collections/pictures/items"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("ogc")) as running:
        running.receipt = running.publish(made_bundles.archive(PICTURES, bundle_number=1))
        running.publish(personal_archive(PERSONAL, 3), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        yield running


@pytest.fixture(scope="module")
def read(server):
    def get(address):
        reply = server.client.get(address)
        assert reply.status_code == 200, reply.text
        return reply.json()

    return get


@pytest.fixture(scope="module")
def every(read):
    def pages(address):
        while address:
            page = read(address)
            yield page
            address = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)

    return lambda address: list(itertools.islice(pages(address), 200))


def around(metres_east, size_m=1.0):
    at = destination(HERE, 90.0, metres_east)
    corner, other = destination(destination(at, 180.0, size_m), 270.0, size_m), destination(at, 0.0, size_m)
    east = destination(other, 90.0, size_m).lon
    return f"{corner.lon:.7f},{corner.lat:.7f},{east:.7f},{other.lat:.7f}"


def test_every_link_leads_somewhere(server, read):
    seen, waiting = set(), [server.url + "/ogc"]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        document = read(address)
        waiting += [one["href"] for one in document.get("links", [])]
        waiting += [one["href"] for each in document.get("collections", []) for one in each["links"]]
    assert len(seen) >= 9


def test_the_landing_page_names_what_the_core_demands(read):
    rels = {one["rel"] for one in read("/ogc")["links"]}

    assert {"self", "service-desc", "conformance", "data"} <= rels
    classes = read("/ogc/conformance")["conformsTo"]
    assert {one.rpartition("/")[2] for one in classes} == {"core", "geojson", "oas30"}


def test_the_description_has_every_path_and_parameter(read):
    description = read("/ogc/api")

    assert description["openapi"].startswith("3.0")
    names = {one["name"] for one in description["paths"]["/collections/pictures/items"]["get"]["parameters"]}
    assert {"bbox", "datetime", "limit", "cursor", "policy", "sequence"} <= names
    for path in description["paths"]:
        if "{" not in path:
            read("/ogc" + path.removesuffix("/"))


def test_pages_hold_everything_once_whatever_their_size(every):
    for limit in (1, 7, 35, 36, 1_000):
        pages = every(f"{ITEMS}?limit={limit}")
        ids = [one["id"] for page in pages for one in page["features"]]
        assert len(ids) == len(set(ids)) == PICTURES + PERSONAL
        assert all(page["numberReturned"] == len(page["features"]) <= limit for page in pages)
        assert pages[0]["numberMatched"] == PICTURES + PERSONAL


def test_the_order_of_pictures_tells_nothing(every):
    (page,) = every(f"{ITEMS}?limit=1000")

    ids = [one["id"] for one in page["features"]]
    assert ids == sorted(ids)


def test_features_fit_the_schema_that_is_told_of_them(read):
    for name in ("pictures", "sequences"):
        validator = Draft202012Validator(read(f"/ogc/collections/{name}/queryables"))
        for feature in read(f"/ogc/collections/{name}/items?limit=100")["features"]:
            known = {key: value for key, value in feature["properties"].items() if value is not None}
            assert not list(validator.iter_errors(known))
            assert read(f"/ogc/collections/{name}/items/{feature['id']}")["properties"] == feature["properties"]


def test_a_box_finds_pictures_and_the_lines_that_cross_it(read, server):
    box = around(50.0)  # Where the eleventh picture is.

    (picture,) = read(f"{ITEMS}?bbox={box}")["features"]
    (line,) = read(f"/ogc/collections/sequences/items?bbox={box}")["features"]

    assert picture["id"] == str(server.receipt.picture_ids[10])
    assert line["id"] == SEQUENCE
    assert picture["properties"]["sequence"] == SEQUENCE


def test_a_line_is_found_between_its_pictures_and_not_beside_it(read):
    between, beside = around(52.5, 0.5), f"{HERE.lon},{HERE.lat + 0.000_005},{HERE.lon + 0.001},{HERE.lat + 0.001}"

    assert len(read(f"/ogc/collections/sequences/items?bbox={between}")["features"]) == 1
    assert read(f"/ogc/collections/sequences/items?bbox={beside}")["features"] == []


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("datetime=2026-11-23T10:00:00Z", 1),
        ("datetime=2026-11-23T10:00:00Z/2026-11-23T10:00:02Z", 5),
        ("datetime=2026-11-01T00:00:00Z/..", PICTURES),
        ("datetime=../2026-10-31T23:59:59Z", PERSONAL),
        ("datetime=2026-10-15T12:00:00Z", PERSONAL),
        ("datetime=2020-01-01T00:00:00Z/2021-01-01T00:00:00Z", 0),
        ("policy=personal", PERSONAL),
        ("policy=nobody", 0),
        (f"sequence={SEQUENCE}&rank=3", 1),
        ("heading_deg=90", PICTURES + PERSONAL),
        ("captured=2026-11-23T10:00:01Z", 1),
        ("bbox=-180,-90,180,90", PICTURES + PERSONAL),
        ("bbox=-180,-90,-100,180,90,9000", PICTURES + PERSONAL),
        ("bbox=170,-90,-170,90", 0),
        ("bbox=0,80,10,90", 0),
    ],
)
def test_questions_are_answered_exactly(every, asked, count):
    pages = every(f"{ITEMS}?limit=9&{asked}")

    assert sum(page["numberReturned"] for page in pages) == count


def test_personal_pictures_are_on_no_line(read):
    lines = read("/ogc/collections/sequences/items")["features"]

    assert [one["id"] for one in lines] == [SEQUENCE]
    assert all(one["properties"]["policy"] != "personal" for one in lines)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=1,2,3,x", "bbox"),
        ("bbox=0,10,1,5", "south"),
        ("bbox=0,0,1,1&bbox-crs=EPSG:3857", "bbox-crs"),
        ("datetime=yesterday", "datetime"),
        ("datetime=../..", "datetime"),
        ("datetime=2026-11-24T00:00:00Z/2026-11-23T00:00:00Z", "datetime"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("cursor=abc", "cursor"),
        ("rank=first", "rank"),
        ("rank=99999999999999999999", "rank"),
        ("heading_deg=nan", "heading_deg"),
        ("sequence=7", "sequence"),
        ("captured=2026", "captured"),
        ("policy=" + "x" * 1_001, "policy"),
        ("colour=red", "colour"),
        ("limit=1&limit=2", "limit"),
        ("token=abc", "token"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(server, asked, words):
    reply = server.client.get(f"{ITEMS}?{asked}")

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert words in reply.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/ogc/collections/roads",
        "/ogc/collections/roads/items",
        "/ogc/collections/roads/queryables",
        ITEMS + "/7",
        ITEMS + "/" + SEQUENCE,
        "/ogc/collections/sequences/items/" + SEQUENCE.upper(),
        "/ogc/collections/sequences/items/personal-862830827ffffff-2026-11",
    ],
)
def test_what_is_not_there_is_not_found(server, path):
    reply = server.client.get(path)

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["", "/conformance", "/api", "/collections", "/collections/pictures"])
def test_documents_take_no_parameters(server, path):
    assert server.client.get(f"/ogc{path}?f=json").status_code == 400


def test_a_cursor_is_good_for_its_own_question_alone(server, read):
    following = read(f"{ITEMS}?limit=3")["links"][-1]["href"]
    cursor = following.partition("cursor=")[2]

    assert server.client.get(f"{ITEMS}?limit=5&cursor={cursor}").status_code == 200
    assert server.client.get(f"{ITEMS}?policy=fleet&cursor={cursor}").status_code == 400
    assert server.client.get(f"/ogc/collections/sequences/items?cursor={cursor}").status_code == 400


def test_a_page_that_is_known_is_not_sent_again(server):
    first = server.client.get(ITEMS)

    again = server.client.get(ITEMS, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304


def test_a_page_may_be_read_from_other_origins(server):
    assert server.client.get(ITEMS).headers["access-control-allow-origin"] == "*"


def test_a_hidden_picture_is_no_feature_any_more(tmp_path):
    with served(tmp_path / "data") as server:
        receipt = server.publish(made_bundles.archive(25))
        picture = receipt.picture_ids[0]

        server.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"})

        page = server.client.get(f"{ITEMS}?limit=100").json()
        assert page["numberReturned"] == page["numberMatched"] == 24
        assert server.client.get(f"{ITEMS}/{picture}").status_code == 404
        (line,) = server.client.get("/ogc/collections/sequences/items").json()["features"]
        assert len(line["geometry"]["coordinates"]) == line["properties"]["pictures"] == 24
