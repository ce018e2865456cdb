"""The STAC API over real HTTP: what conformance tests of other people do not look at."""

import json

import made_bundles
import pytest
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy
from dashlight.wire import deletion_secret, published_sequence, to_base64url

# Of STAC; the other links are for readers of Panoramax.
STACS = {"self", "root", "data", "conformance", "search", "service-desc", "service-doc", "queryables", "sortables"}
SEQUENCE = str(published_sequence(made_bundles.SEQUENCE))


def fill(running):
    running.receipt = running.publish(made_bundles.archive(12, bundle_number=1))
    running.publish(personal_archive(5, 3), policy=Policy.PERSONAL)
    publish_staged(running.store.database, running.store.objects)
    return running


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with served(tmp_path_factory.mktemp("stac")) as running:
        yield fill(running)


def links(value, rel):
    return [link for link in value["links"] if link["rel"] == rel]


def personal_items(server):
    found = server.client.get("/api/search", params={"filter": "\"dashlight:policy\"='personal'", "limit": 50})
    assert found.status_code == 200, found.text
    return found.json()["features"]


def test_the_landing_page_leads_everywhere(shown):
    landing = shown.client.get("/api").json()

    assert landing["stac_version"] == "1.0.0"
    for link in (link for link in landing["links"] if link["rel"].rpartition("/")[2] in STACS):
        assert link["href"].startswith(shown.url), link
        reply = shown.client.request(link.get("method", "GET"), link["href"], json={} if "method" in link else None)
        assert reply.status_code == 200, link
        assert reply.headers["content-type"].split(";")[0] == link["type"].split(";")[0], link
    assert {link["rel"].rpartition("/")[2] for link in landing["links"]} >= STACS
    assert {link["method"] for link in links(landing, "search")} == {"GET", "POST"}
    assert shown.client.get("/api/conformance").json()["conformsTo"] == landing["conformsTo"]


def test_a_picture_of_a_sequence_tells_what_is_public_of_it(shown):
    ids = shown.receipt.picture_ids
    item = shown.client.get(f"/api/collections/{SEQUENCE}/items/{ids[1]}").json()

    assert item["properties"]["datetime"] == "2026-11-23T10:00:00.500Z"
    assert "start_datetime" not in item["properties"]
    assert (item["properties"]["view:azimuth"], item["properties"]["license"]) == (90.0, "CC-BY-SA-4.0")
    (before,), (after,) = links(item, "prev"), links(item, "next")
    assert (before["id"], after["id"]) == (ids[0], ids[2])
    assert shown.client.get(after["href"]).json()["geometry"] == after["geometry"]
    for name in ("hd", "thumb"):
        reply = shown.client.get(item["assets"][name]["href"])
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")


def test_a_personal_picture_tells_its_month_and_no_neighbour(shown):
    items = personal_items(shown)

    assert len(items) == 5
    for item in items:
        properties = item["properties"]
        assert properties["datetime"] == properties["start_datetime"] == "2026-10-01T00:00:00.000Z"
        assert properties["end_datetime"] == "2026-10-31T23:59:59.999Z"
        assert "dashlight:rank" not in properties
        assert not links(item, "prev") + links(item, "next")
        assert item["collection"].startswith("personal-86")
        assert item["collection"].endswith("-2026-10")


def test_a_personal_collection_tells_of_its_cell_and_month_alone(shown):
    name = personal_items(shown)[0]["collection"]
    collection = shown.client.get(f"/api/collections/{name}").json()

    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    for item in personal_items(shown):
        lon, lat = item["geometry"]["coordinates"]
        assert item["collection"] != name or (west < lon < east and south < lat < north)
    assert collection["extent"]["temporal"]["interval"] == [["2026-10-01T00:00:00.000Z", "2026-11-01T23:59:59.999Z"]]


def test_collections_come_in_pages(shown):
    whole = shown.client.get("/api/collections").json()
    found, href = [], "/api/collections?limit=1"
    while href:
        page = shown.client.get(href).json()
        found += [one["id"] for one in page["collections"]]
        href = next((link["href"] for link in links(page, "next")), None)

    assert found == [one["id"] for one in whole["collections"]] == sorted(found)
    assert whole["numberMatched"] == len(found) == len(set(found))


def test_what_a_reader_has_is_not_sent_again(shown):
    paths = ("/api", "/api/conformance", "/api/queryables", "/api/sortables", "/api/collections")
    for path in (*paths, f"/api/collections/{SEQUENCE}", f"/api/collections/{SEQUENCE}/items", "/api/search?limit=3"):
        first = shown.client.get(path)
        again = shown.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api?x=1", 400, "'x'"),
        ("/api/collections?limit=0", 400, "limit"),
        ("/api/collections?cursor=zzz", 400, "cursor"),
        ("/api/collections?bbox=1", 400, "bbox"),
        ("/api/collections/nothing", 404, "nothing"),
        ("/api/collections/nothing/items", 404, "nothing"),
        ("/api/collections/nothing/queryables", 404, "nothing"),
        ("/api/collections/personal-861fa9a47ffffff-2026-01/items", 404, "2026-01"),
        (f"/api/collections/{SEQUENCE}/items/nothing", 404, "nothing"),
        (f"/api/collections/{SEQUENCE}/items?limit=x", 400, "limit"),
        ("/api/search?limit=1&limit=2", 400, "limit"),
        ("/api/search?query=a", 400, "query"),
        ("/api/search?bbox=0,0,1,1&intersects=%7B%22type%22:%22Point%22,%22coordinates%22:%5B0,0%5D%7D", 400, "bbox"),
        ("/api/search?datetime=2026-11-23", 400, "datetime"),
        ("/api/search?sortby=nothing", 400, "sortby"),
        ("/api/nothing", 404, ""),
    ],
)
def test_what_is_wrong_is_told_by_name(shown, path, status, word):
    reply = shown.client.get(path)

    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert word in reply.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'"a"', b"\xff", b'{"x": 1}', b'{"limit": -1}', b"[" * 20_000])
def test_a_wrong_body_is_refused(shown, content):
    reply = shown.client.post("/api/search", content=content, headers={"Content-Type": "application/json"})

    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")


def test_a_cursor_of_another_query_is_refused(shown):
    page = shown.client.get("/api/search", params={"limit": 2, "sortby": "datetime"}).json()
    (following,) = links(page, "next")
    assert shown.client.get(following["href"]).status_code == 200
    items = shown.client.get(f"/api/collections/{SEQUENCE}/items?limit=2").json()
    other = links(items, "next")[0]["href"].partition("cursor=")[2]

    for path in (following["href"].replace("sortby=datetime", "sortby=-datetime"), f"/api/search?cursor={other}"):
        reply = shown.client.get(path)
        assert (reply.status_code, reply.json()["type"].rpartition("/")[2]) == (400, "bad-cursor")


def test_pages_of_other_origins_may_ask(shown):
    asked = {"Origin": "https://maps.example", "Access-Control-Request-Method": "POST"}
    before = shown.client.options("/api/search", headers=asked)
    after = shown.client.post("/api/search", json={"limit": 1}, headers=asked)

    assert before.status_code == 204
    assert "POST" in before.headers["access-control-allow-methods"]
    assert after.headers["access-control-allow-origin"] == before.headers["access-control-allow-origin"] == "*"


def test_an_erased_picture_is_gone_from_everything(tmp_path):
    with served(tmp_path) as server:
        fill(server)
        first = server.receipt.picture_ids[0]
        item = server.client.get(f"/api/collections/{SEQUENCE}/items/{first}").json()
        before = server.client.get(f"/api/collections/{SEQUENCE}").json()

        secret = to_base64url(deletion_secret(made_bundles.SEED, 1, 0))
        erased = server.client.delete(f"/v1/pictures/{first}", headers={"Dashlight-Deletion-Secret": secret})

        assert erased.status_code == 204
        assert server.client.get(f"/api/collections/{SEQUENCE}/items/{first}").status_code == 410
        for query in ({"ids": first}, {"collections": SEQUENCE}, {"bbox": "-4,40,-3,41"}, {}):
            found = server.client.get("/api/search", params={**query, "limit": 100}).json()
            assert first not in json.dumps(found["features"])
        after = server.client.get(f"/api/collections/{SEQUENCE}").json()
        assert after["extent"] != before["extent"]
        assert item["geometry"]["coordinates"][0] == before["extent"]["spatial"]["bbox"][0][0]
        assert item["geometry"]["coordinates"][0] < after["extent"]["spatial"]["bbox"][0][0]


def test_items_and_search_by_body_page_alike(shown):
    body, found = {"limit": 5, "collections": [SEQUENCE]}, []
    while body is not None:
        page = shown.client.post("/api/search", content=json.dumps(body)).json()
        found += [feature["id"] for feature in page["features"]]
        body = next((link["body"] for link in links(page, "next")), None)

    assert found == list(reversed(shown.receipt.picture_ids))
