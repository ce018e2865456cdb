"""The real application over real HTTP: what readers may ask."""

import contextlib
import gzip
import json
from itertools import pairwise
from uuid import UUID

import brotli
import httpx
import made_bundles
import mapbox_vector_tile
import pytest
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy, destination, tile_xy
from dashlight.store.upkeep import check_writable
from dashlight.wire import deletion_secret, published_sequence, to_base64url


@pytest.fixture
def server(tmp_path):
    with served(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A server with one drive of 30 pictures, for tests that only read."""
    with served(tmp_path_factory.mktemp("shown")) as running:
        running.receipt = running.publish(made_bundles.archive(30, bundle_number=1))
        yield running


def layers(reply):
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return mapbox_vector_tile.decode(reply.content, default_options={"y_coord_down": True})


def tile_url(zoom, position=made_bundles.HERE):
    x, y = tile_xy(position, zoom)
    return f"/v1/tiles/{zoom}/{x}/{y}.mvt"


class Stream:
    """A live stream read in a thread; `next` gives the events one by one."""

    def __init__(self, server, query="", **headers):
        self._client = httpx.Client(base_url=server.url, timeout=10, trust_env=False)
        self._context = self._client.stream("GET", "/live" + query, headers=headers)
        self._lines = self._context.__enter__().iter_lines()

    def next(self):
        event = {}
        for line in self._lines:
            if not line and event:
                return event["event"], json.loads(event["data"]), int(event["id"])
            name, _, value = line.partition(": ")
            if name:
                event[name] = value
        raise AssertionError("the stream has ended")

    def close(self):
        with contextlib.suppress(httpx.HTTPError):
            self._context.__exit__(None, None, None)
        self._client.close()


@contextlib.contextmanager
def live(server, query="", **headers):
    stream = Stream(server, query, **headers)
    try:
        yield stream
    finally:
        stream.close()


def test_a_feature_tells_what_the_contract_says(shown):
    ids = shown.receipt.picture_ids

    feature = shown.client.get(f"/v1/pictures/{ids[1]}").json()

    assert feature["type"] == "Feature"
    assert feature["geometry"]["coordinates"] == feature["bbox"][:2]
    assert {link["rel"]: link.get("id") for link in feature["links"]} == {
        "self": None,
        "prev": ids[0],
        "next": ids[2],
    }
    properties = feature["properties"]
    assert properties["captured"] == "2026-11-23T10:00:00.500Z"
    assert (properties["captured_precision"], properties["day"]) == ("instant", "2026-11-23")
    assert (properties["view:azimuth"], properties["accuracy_m"]) == (90.0, 3.5)
    assert (properties["policy"], properties["license"]) == ("fleet", "CC-BY-SA-4.0")
    assert (properties["sequence"], properties["rank"]) == (str(published_sequence(made_bundles.SEQUENCE)), 1)
    assert (properties["width"], properties["height"]) == (64, 36)
    assert properties["redactions"] == [{"kind": "plate", "bbox_xyxy": [1, 2, 11, 6]}]
    assert shown.client.get(feature["assets"]["thumbnail"]["href"]).content[:2] == b"\xff\xd8"


def test_an_unknown_picture_is_not_found(shown):
    reply = shown.client.get("/v1/pictures/8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c")

    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-999999", 206, slice(0, None)),
        ("bytes=5-2", 200, slice(0, None)),
        ("bytes=0-1,3-4", 200, slice(0, None)),
        ("lines=0-1", 200, slice(0, None)),
    ],
)
def test_a_part_of_a_picture_is_that_part(shown, asked, status, part):
    url = f"/v1/pictures/{shown.receipt.picture_ids[0]}/picture.jpg"
    whole = shown.client.get(url).content

    reply = shown.client.get(url, headers={"Range": asked})

    assert reply.status_code == status
    assert reply.content == whole[part]
    if status == 206:
        start = len(whole) - 5 if asked == "bytes=-5" else int(asked[6:].partition("-")[0])
        assert reply.headers["content-range"] == f"bytes {start}-{start + len(reply.content) - 1}/{len(whole)}"


def test_a_part_behind_the_end_is_refused(shown):
    url = f"/v1/pictures/{shown.receipt.picture_ids[0]}/picture.jpg"

    reply = shown.client.get(url, headers={"Range": "bytes=999999-"})

    assert reply.status_code == 416
    assert reply.headers["content-range"].startswith("bytes */")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"].endswith("/bad-range")


def test_what_a_reader_has_is_not_sent_again(shown):
    picture_id = shown.receipt.picture_ids[0]
    paths = (
        f"/v1/pictures/{picture_id}",
        f"/v1/pictures/{picture_id}/picture.jpg",
        f"/v1/pictures/{picture_id}/thumb.jpg",
        "/v1/pictures",
        "/v1/instance",
        "/v1/histogram",
        tile_url(14),
        "/",
        "/assets/icon.svg",
    )
    for path in paths:
        first = shown.client.get(path)
        again = shown.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path


def test_a_head_has_the_headers_of_a_get_and_no_body(shown):
    url = f"/v1/pictures/{shown.receipt.picture_ids[0]}/picture.jpg"

    head, get = shown.client.head(url), shown.client.get(url)

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_pages_go_on_where_the_last_one_ended(shown):
    found, cursor = [], None
    while True:
        query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        page = shown.client.get("/v1/pictures", params=query).json()
        found += [f["id"] for f in page["features"]]
        cursor = page.get("next")
        if cursor is None:
            break

    assert found == list(reversed(shown.receipt.picture_ids))


def test_a_box_holds_what_lies_in_it(shown):
    features = shown.client.get("/v1/pictures").json()["features"]
    lons = sorted(f["geometry"]["coordinates"][0] for f in features)
    west, east = lons[5], lons[14]

    inside = shown.client.get("/v1/pictures", params={"bbox": f"{west},40,{east},41", "limit": 3}).json()
    rest = shown.client.get(
        "/v1/pictures", params={"bbox": f"{west},40,{east},41", "limit": 100, "cursor": inside["next"]}
    ).json()

    assert len(inside["features"]) + len(rest["features"]) == 10
    assert all(west <= f["geometry"]["coordinates"][0] <= east for f in inside["features"] + rest["features"])


@pytest.mark.parametrize(
    "query",
    [
        {"bbox": "1,2,3"},
        {"bbox": "a,b,c,d"},
        {"bbox": "0,5,1,4"},
        {"bbox": "nan,0,1,1"},
        {"bbox": "0,0,181,1"},
        {"from": "yesterday"},
        {"from": "2026-02-30"},
        {"from": "2026-12-01", "to": "2026-11-01"},
        {"from": "1900-01-01"},
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "many"},
        {"cursor": "%%%"},
        {"cursor": "AAAA"},
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(shown, query):
    reply = shown.client.get("/v1/pictures", params=query)

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["detail"]


@pytest.mark.parametrize("query", ["limit=2&limit=3", "bbbox=1,2,3,4", "limit=2&x=1"])
def test_unknown_and_doubled_parameters_of_the_list_are_refused(shown, query):
    reply = shown.client.get(f"/v1/pictures?{query}")

    assert reply.status_code == 400
    assert reply.json()["type"].endswith("bad-parameter")


def test_days_filter_pictures(shown):
    def count(**query):
        return len(shown.client.get("/v1/pictures", params=query).json()["features"])

    assert count(**{"from": "2026-11-23", "to": "2026-11-23"}) == 30
    assert count(**{"from": "2026-11-24"}) == 0
    assert count(to="2026-11-22") == 0


def test_the_pictures_layer_shows_every_picture_where_it_is(shown):
    x, y = tile_xy(made_bundles.HERE, 14)

    found = layers(shown.client.get(tile_url(14)))["pictures"]

    assert found["extent"] == 4096
    for feature in found["features"]:
        properties = feature["properties"]
        claimed = shown.client.get(f"/v1/pictures/{properties['id']}").json()
        lon = (x + feature["geometry"]["coordinates"][0] / 4096) / 2**14 * 360 - 180
        assert lon == pytest.approx(claimed["geometry"]["coordinates"][0], abs=1e-5)
        assert properties["heading"] == 90
        assert properties["policy"] == "fleet"
        assert properties["seq"] == str(published_sequence(made_bundles.SEQUENCE))
        assert properties["day"] == 20_780
    assert y > 0
    assert len({f["properties"]["id"] for f in found["features"]}) == len(found["features"]) > 5


@pytest.mark.parametrize("zoom", range(11, 14))
def test_the_streets_layer_counts_every_picture_once(shown, zoom):
    here = shown.client.get("/v1/instance").json()["bbox"]
    assert here[0] < made_bundles.HERE.lon < here[2]

    tiles = {tile_url(zoom, destination(made_bundles.HERE, 90.0, m)) for m in range(-50, 250, 25)}
    features = [
        f
        for url in tiles
        if (reply := shown.client.get(url)).status_code == 200
        for f in layers(reply)["streets"]["features"]
    ]

    assert sum(f["properties"]["n"] for f in features) == 30
    assert {f["geometry"]["type"] for f in features} == {"Point"}
    assert {f["properties"]["heading"] for f in features} == {90}


@pytest.mark.parametrize("zoom", range(11))
def test_the_coverage_layer_holds_the_pictures_place(shown, zoom):
    features = layers(shown.client.get(tile_url(zoom)))["coverage"]["features"]

    assert sum(f["properties"]["n"] for f in features) == 30
    assert {f["properties"]["day"] for f in features} == {20_780}
    for feature in features:
        ring = feature["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1]
        assert len(ring) in (6, 7, 8, 9, 10, 11)
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
        assert area > 0, "an outer ring is clockwise on the screen"


@pytest.mark.parametrize("zoom", [0, 5, 8, 11, 13, 14, 15])
def test_days_filter_tiles(shown, zoom):
    same = shown.client.get(tile_url(zoom), params={"from": "2026-11-23", "to": "2026-11-23"})
    later = shown.client.get(tile_url(zoom), params={"from": "2026-11-24"})

    assert layers(same) == layers(shown.client.get(tile_url(zoom)))
    assert later.status_code == 204


def test_a_tile_comes_as_the_reader_takes_it(shown):
    raw = {}
    for accepted, given in (("gzip", "gzip"), ("br", "br"), ("identity", None), ("br;q=0", None), ("", None)):
        with shown.client.stream("GET", tile_url(14), headers={"Accept-Encoding": accepted}) as reply:
            content = b"".join(reply.iter_raw())
            assert reply.headers.get("content-encoding") == given, accepted
        raw[accepted] = {"gzip": gzip.decompress, "br": brotli.decompress}.get(given, bytes)(content)

    assert len(set(raw.values())) == 1


@pytest.mark.parametrize("path", ["16/0/0", "1/2/0", "1/0/2", "-1/0/0", "1/-1/0", "a/b/c"])
def test_a_tile_that_is_not_there_is_told_so(shown, path):
    reply = shown.client.get(f"/v1/tiles/{path}.mvt")

    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"


def test_the_other_side_of_the_world_is_empty(shown):
    for zoom in range(3, 16):
        assert shown.client.get(f"/v1/tiles/{zoom}/{2**zoom - 1}/{2**zoom - 1}.mvt").status_code == 204


def test_a_new_picture_is_on_a_fresh_tile_at_once(server):
    urls = [tile_url(zoom) for zoom in range(16)]
    assert {server.client.get(url).status_code for url in urls} == {204}

    server.publish(made_bundles.archive(1, bundle_number=1))

    assert {server.client.get(url).status_code for url in urls} == {200}


def test_a_picture_that_went_is_on_no_tile(server):
    receipt = server.publish(made_bundles.archive(3, bundle_number=9))
    urls = [tile_url(zoom) for zoom in range(16)]
    before = [server.client.get(url).content for url in urls]

    for number, picture_id in enumerate(receipt.picture_ids):
        secret = to_base64url(deletion_secret(made_bundles.SEED, 9, number))
        server.client.delete(f"/v1/pictures/{picture_id}", headers={"Dashlight-Deletion-Secret": secret})
        if number == 0:
            assert [server.client.get(url).content for url in urls] != before

    assert {server.client.get(url).status_code for url in urls} == {204}
    with server.store.database.read() as connection:
        for table in ("picture", "mark", "live", "cover", "cover_day", "daily", "terms", "sequence", "object"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0, table


def test_the_instance_says_what_it_holds(server):
    empty = server.client.get("/v1/instance").json()
    server.publish(made_bundles.archive(3))

    full = server.client.get("/v1/instance").json()

    assert (empty["pictures"], empty["bbox"], empty["newest_day"]) == (0, None, None)
    assert (full["pictures"], full["newest_day"], full["oldest_day"]) == (3, "2026-11-23", "2026-11-23")
    assert set(full["policies"]) == {"fleet", "open", "personal"}
    assert full["name"] == "test instance"
    west, south, east, north = full["bbox"]
    assert west < made_bundles.HERE.lon < east
    assert south < made_bundles.HERE.lat < north
    assert east - west < 0.01


@pytest.mark.parametrize("query", [{}, {"bbox": "-4,40,-3,41"}, {"bbox": "-3.71,40.41,-3.69,40.42"}])
def test_the_histogram_counts_days(shown, query):
    reply = shown.client.get("/v1/histogram", params=query)

    assert reply.json() == {"days": [["2026-11-23", 30]]}


def test_the_histogram_of_nowhere_is_empty(shown):
    assert shown.client.get("/v1/histogram", params={"bbox": "10,10,11,11"}).json() == {"days": []}


def test_a_live_reader_sees_what_arrives(server):
    with live(server) as stream:
        kind, data, _ = stream.next()
        assert kind == "hello"
        assert data["at"].endswith("Z")

        receipt = server.publish(made_bundles.archive(3, bundle_number=1))

        events = [stream.next() for _ in range(3)]
    assert [data["id"] for _, data, _ in events] == list(receipt.picture_ids)
    kind, data, _ = events[0]
    assert kind == "picture"
    assert set(data) == {"id", "lon", "lat", "heading_deg", "captured", "day", "policy", "sequence"}
    assert (data["lon"], data["lat"], data["heading_deg"]) == (-3.7038, 40.4168, 90.0)


def test_a_live_reader_of_a_region_sees_that_region(server):
    with live(server, "?bbox=10,10,11,11") as elsewhere, live(server, "?bbox=-4,40,-3,41") as here:
        elsewhere.next()
        here.next()
        receipt = server.publish(made_bundles.archive(1, bundle_number=7))
        secret = to_base64url(deletion_secret(made_bundles.SEED, 7, 0))
        picture = f"/v1/pictures/{receipt.picture_ids[0]}"
        server.client.delete(picture, headers={"Dashlight-Deletion-Secret": secret})

        assert here.next()[0] == "picture"
        assert here.next()[:2] == ("gone", {"id": receipt.picture_ids[0]})
        assert elsewhere.next()[0] == "gone", "what goes is told to everybody: its place is no longer known"


def test_a_live_reader_that_comes_back_gets_what_it_missed(server):
    server.publish(made_bundles.archive(2, bundle_number=1))
    with live(server) as stream:
        cursor = stream.next()[2]
    receipt = server.publish(made_bundles.archive(2, bundle_number=2))

    with live(server, **{"Last-Event-ID": str(cursor)}) as stream:
        assert stream.next()[0] == "hello"
        assert [stream.next()[1]["id"] for _ in range(2)] == list(receipt.picture_ids)


def test_a_live_reader_from_another_life_is_told_to_refresh(server):
    with live(server, **{"Last-Event-ID": "999999"}) as stream:
        assert stream.next()[0] == "hello"
        assert stream.next()[0] == "refresh"


def test_a_wrong_cursor_of_a_live_reader_is_refused(server):
    assert server.client.get("/live", headers={"Last-Event-ID": "x"}).status_code == 400


def test_personal_pictures_are_told_by_one_refresh(server):
    with live(server) as stream:
        stream.next()
        for number in (1, 2):
            server.publish(personal_archive(3, number), policy=Policy.PERSONAL)
        publish_staged(server.store.database, server.store.objects)
        server.publish(made_bundles.archive(1, bundle_number=5))

        assert [stream.next()[0] for _ in range(2)] == ["refresh", "picture"]


def test_too_many_live_readers_are_refused(tmp_path):
    with served(tmp_path, live_clients=1) as running, live(running) as stream:
        stream.next()

        reply = running.client.get("/live")

        assert (reply.status_code, "retry-after" in reply.headers) == (503, True)


@pytest.mark.parametrize(("issue", "is_hidden"), [("privacy", True), ("blur_missing", True), ("other", False)])
def test_a_report_hides_what_must_be_hidden(server, issue, is_hidden):
    receipt = server.publish(made_bundles.archive(2))
    url = f"/v1/pictures/{receipt.picture_ids[0]}"
    with live(server) as stream:
        stream.next()

        reply = server.client.post(f"{url}/report", json={"issue": issue, "comment": "that is me"})

        assert (reply.status_code, reply.json()) == (202, {"hidden": is_hidden})
        if is_hidden:
            assert stream.next()[:2] == ("gone", {"id": receipt.picture_ids[0]})
    status = 410 if is_hidden else 200
    assert [server.client.get(url + tail).status_code for tail in ("", "/picture.jpg", "/thumb.jpg")] == [status] * 3
    assert server.client.get("/v1/instance").json()["pictures"] == (1 if is_hidden else 2)


def test_nothing_keeps_the_reply_that_a_picture_is_not_there(server):
    receipt = server.publish(made_bundles.archive(1))
    url = f"/v1/pictures/{receipt.picture_ids[0]}"
    shown = server.client.get(f"{url}/picture.jpg")
    server.client.post(f"{url}/report", json={"issue": "privacy"})

    withdrawn = [
        server.client.get(url + tail, headers=headers)
        for tail in ("", "/picture.jpg", "/thumb.jpg")
        for headers in ({}, {"If-None-Match": shown.headers["etag"]})
    ]
    unknown = [server.client.get(f"/v1/pictures/{UUID(int=1)}{tail}") for tail in ("", "/picture.jpg", "/thumb.jpg")]

    assert shown.headers["cache-control"] == "public, max-age=60"
    assert [(r.status_code, r.headers["cache-control"]) for r in withdrawn] == [(410, "no-store")] * 6
    assert [(r.status_code, r.headers["cache-control"]) for r in unknown] == [(404, "no-store")] * 3
    assert server.client.get("/nowhere").headers["cache-control"] == "no-store"
    assert server.client.get("/api/collections/nowhere").headers["cache-control"] == "no-store"


def test_reports_are_bounded(tmp_path):
    with served(tmp_path, reports_per_sender=2) as running:
        receipt = running.publish(made_bundles.archive(3))
        replies = [
            running.client.post(f"/v1/pictures/{i}/report", json={"issue": "privacy"}) for i in receipt.picture_ids
        ]

        assert [(r.status_code, r.json()["hidden"]) for r in replies] == [(202, True), (202, True), (202, False)]
        with running.store.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM report").scalar() == 3


def test_other_reports_and_pictures_that_are_not_there_leave_room_for_privacy(tmp_path):
    with served(tmp_path, reports_per_sender=2) as running:
        (picture,) = running.publish(made_bundles.archive(1)).picture_ids

        def report(picture_id, issue):
            return running.client.post(f"/v1/pictures/{picture_id}/report", json={"issue": issue}).status_code

        assert [report(UUID(int=n), "privacy") for n in range(5)] == [404] * 5
        assert [report(picture, "other") for _ in range(3)] == [202, 202, 503]
        assert running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"}).json() == {
            "hidden": True
        }


def test_a_header_that_anybody_may_write_makes_nobody_another_sender(tmp_path):
    with served(tmp_path, reports_per_sender=1) as running:
        receipt = running.publish(made_bundles.archive(2))
        replies = [
            running.client.post(
                f"/v1/pictures/{i}/report", json={"issue": "privacy"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
            )
            for n, i in enumerate(receipt.picture_ids)
        ]

        assert [r.json()["hidden"] for r in replies] == [True, False]


@pytest.mark.parametrize("body", [{"issue": "boring"}, {}, {"issue": "other", "comment": "x" * 1001}, [1]])
def test_a_wrong_report_is_told_what_is_wrong(shown, body):
    reply = shown.client.post(f"/v1/pictures/{shown.receipt.picture_ids[0]}/report", json=body)

    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")


def test_a_large_body_where_none_is_due_is_refused(shown):
    url = f"/v1/pictures/{shown.receipt.picture_ids[0]}/report"

    announced = shown.client.post(url, content=b" " * 100_000, headers={"Content-Type": "application/json"})

    assert announced.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2fapp.py",
        "/assets//etc/passwd",
        "/assets/map/%2e%2e/%2e%2e/config.py",
        "/assets/__init__.py",
        "/assets/map",
        "/assets/",
        "/assets/.hidden.js",
        "/assets/map%00.js",
        "/assets/..\\app.py",
    ],
)
def test_nothing_but_the_maps_own_files_is_served(shown, path):
    reply = shown.client.get(path)

    assert reply.status_code in (400, 404)
    assert b"import" not in reply.content


def test_every_page_keeps_to_its_own_origin(shown):
    policy = shown.client.get("/").headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for path in ("/", "/about", "/v1/instance", "/nowhere", "/assets/icon.svg", tile_url(14)):
        headers = shown.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "content-security-policy" in headers, path
        assert "referrer-policy" in headers, path
        assert "set-cookie" not in headers, path


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/pictures"), ("DELETE", "/"), ("PATCH", "/v1/instance")])
def test_a_wrong_method_is_told_so(shown, method, path):
    reply = shown.client.request(method, path)

    assert (reply.status_code, reply.headers["content-type"]) == (405, "application/problem+json")


def test_health_readiness_and_metrics_answer(shown):
    assert shown.client.get("/healthz").status_code == 200
    assert shown.client.get("/readyz").status_code == 200
    metrics = shown.client.get("/metrics").text
    assert 'dashlight_ingest_pictures_total{policy="fleet"} 30.0' in metrics
    assert "dashlight_catalog_live_streams" in metrics
    check_writable(shown.store.database, shown.store.objects)


def test_the_openapi_names_every_route(shown):
    paths = shown.client.get("/v1/openapi.json").json()["paths"]

    others = ("/api", "/ogc", "/v1/exports", "/v1/objects", "/v1/moderation", "/operator", "/v1/operator")
    own = {path for path in paths if not path.startswith(others)}  # Those have tests of their own.
    assert "/api/search" in paths
    assert own == {
        "/v1/enrolments",
        "/v1/tokens",
        "/v1/bundles/{sha256}",
        "/v1/pictures/{picture_id}",
        "/v1/instance",
        "/v1/histogram",
        "/v1/pictures",
        "/v1/pictures/{picture_id}/report",
        "/v1/pictures/{picture_id}/location",
        "/v1/pictures/{picture_id}/picture.jpg",
        "/v1/pictures/{picture_id}/thumb.jpg",
        "/v1/tiles/{z}/{x}/{y}.mvt",
        "/live",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert set(paths["/v1/pictures/{picture_id}"]) == {"get", "delete"}


def test_who_reads_a_sequence_cannot_add_to_it():
    shown = published_sequence(made_bundles.SEQUENCE)

    assert shown != made_bundles.SEQUENCE
    assert published_sequence(shown) != shown


def test_a_body_that_grows_over_the_bound_is_told_so(shown):
    def chunks():
        for _ in range(32):
            yield b"a" * 65_536

    with httpx.Client(base_url=shown.url, timeout=30, trust_env=False) as client:
        reply = client.post("/v1/enrolments", content=chunks(), headers={"Content-Type": "application/json"})

    assert (reply.status_code, reply.json()["type"].rsplit("/", 1)[1]) == (413, "too-large")
