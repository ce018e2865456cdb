"""The pictures of a box are read page by page, and pages that never end are refused."""

import httpx
import pytest

from dashlight.edge.server import Server
from dashlight.errors import Corrupt, Unavailable
from dashlight.model import BBox

BOX = BBox(10.0, 50.0, 10.1, 50.1)


def server(answer):
    """Return a server whose pages are what `answer` returns for a request."""

    def handle(request):
        page = answer(request)
        return page if isinstance(page, httpx.Response) else unread(httpx.Response(200, json=page))

    return Server("https://roads.example", transport=httpx.MockTransport(handle))


def unread(response):
    """Return a response as a network gives it: its body still to be read."""
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))


def test_every_page_is_read_once_and_in_order():
    pages = {None: ["a", "b"], "x/1&": ["c"], "z": ["d"]}
    following = {None: "x/1&", "x/1&": "z", "z": None}
    asked = []

    def answer(request):
        cursor = request.url.params.get("cursor")
        asked.append(request.url.params["bbox"])
        return {"features": [{"id": name} for name in pages[cursor]], "next": following[cursor]}

    found = [feature["id"] for feature in server(answer).pictures_in(BOX)]

    assert found == ["a", "b", "c", "d"]
    assert asked == ["10.000000,50.000000,10.100000,50.100000"] * 3


def test_pages_without_end_are_refused():
    with pytest.raises(Corrupt, match="have no end"):
        list(server(lambda _: {"features": [], "next": "again"}).pictures_in(BOX))


@pytest.mark.parametrize("page", [{}, {"features": 3}, []])
def test_a_page_that_is_none_is_refused(page):
    with pytest.raises(Corrupt):
        list(server(lambda _: page).pictures_in(BOX))


def test_a_server_that_fails_is_told():
    with pytest.raises(Unavailable):
        list(server(lambda _: unread(httpx.Response(503))).pictures_in(BOX))
