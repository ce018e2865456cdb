"""The real server over a bare connection: heads of requests are bounded."""

import socket

import pytest
from servers import served

from dashlight.cli.http_server import MAX_HEAD_BYTES

MOST = 4 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("server")) as running:
        yield running


def sent_until_refused(server, first, part):
    """Send `first` and then `part` again and again; return how much the server took and what it said."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        sent, reply = 0, b""
        try:
            connection.sendall(first)
            while sent < MOST:
                connection.sendall(part)
                sent += len(part)
            while more := connection.recv(65_536):
                reply += more
        except (ConnectionError, TimeoutError):
            pass
    return sent, reply


@pytest.mark.parametrize(
    ("first", "part"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: " + b"a" * 1_000 + b"\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 1_000),
        (b"GET /", b"a" * 1_000),
        (
            b"POST /v1/enrolments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: " + b"a" * 1_000 + b"\r\n",
        ),
    ],
    ids=["many headers", "one header", "line", "trailers"],
)
def test_a_head_without_end_is_refused(server, first, part):
    sent, _ = sent_until_refused(server, first, part)

    assert sent < MOST
    assert server.client.get("/healthz").status_code == 200


def test_a_head_under_the_bound_is_served_and_one_over_it_is_refused(server):
    under = server.client.get("/healthz", headers={"X": "a" * (MAX_HEAD_BYTES - 1_000)})
    over = server.client.get("/healthz", headers={"X": "a" * MAX_HEAD_BYTES})

    assert (under.status_code, over.status_code) == (200, 400)


def test_many_requests_on_one_connection_are_served(server):
    replies = {server.client.get("/healthz", headers={"X": "a" * 20_000}).status_code for _ in range(10)}

    assert replies == {200}
