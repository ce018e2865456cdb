"""Requests for tiles that are answered before the described route are answered as that one would."""

import made_bundles
import pytest
from servers import served

from dashlight.model import LonLat, tile_xy

PATHS = ("/v1/tiles/{}/{}/{}.mvt", "/api/map/{}/{}/{}.mvt")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A server with one drive of 30 pictures, which keeps no tile."""
    with served(tmp_path_factory.mktemp("shown"), tile_cache_mb=0) as running:
        running.publish(made_bundles.archive(30, bundle_number=1))
        yield running


def told(reply):
    headers = [(name, value) for name, value in reply.headers.multi_items() if name != "date"]
    return reply.status_code, sorted(headers), reply.content


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "br, gzip;q=0", "*"])
def test_a_plain_request_gets_what_the_described_route_gives(shown, path, coding):
    for zoom in range(16):
        for position in (made_bundles.HERE, LonLat(-120.0, -50.0)):
            url = path.format(zoom, *tile_xy(position, zoom))
            plain, described = (
                shown.client.get(u, headers={"Accept-Encoding": coding}) for u in (url, url + "?other=1")
            )

            assert told(plain) == told(described)

            known = {"Accept-Encoding": coding, "If-None-Match": plain.headers["etag"]}
            assert shown.client.get(url, headers=known).status_code == 304


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "tile", [(16, 0, 0), (3, 8, 0), (3, 0, 8), (99, 1, 1), (0, "00000000000", 1), (14, -1, 0), ("٣", 0, 0), (2, "a", 1)]
)
def test_a_tile_that_is_not_there_is_refused_by_the_described_route(shown, path, tile):
    url = path.format(*tile)

    plain, described = shown.client.get(url), shown.client.get(url + "?other=1")

    assert plain.status_code in (400, 404)
    assert plain.headers["content-type"] == "application/problem+json"
    assert told(plain) == told(described)


def test_plain_requests_are_counted_by_the_described_route(shown):
    for path in PATHS:
        shown.client.get(path.format(0, 0, 0))

    metrics = shown.client.get("/metrics").text

    for path in PATHS:
        assert f'route="{path.format("{z}", "{x}", "{y}")}"' in metrics
