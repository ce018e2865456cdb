"""The real server over a bare connection: heads of requests are bounded."""

import json
import socket
from http.client import HTTPConnection, HTTPResponse

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

    assert (under.status_code, over.status_code) == (200, 431)


def test_many_requests_on_one_connection_are_served(server):
    replies = {server.client.get("/healthz", headers={"X": "a" * 20_000}).status_code for _ in range(10)}

    assert replies == {200}


@pytest.mark.parametrize(
    ("head", "status", "reason"),
    [
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n", 414, "too-large"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n", 431, "too-large"),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 101, 431, "too-large"),
        (b"GET / HTTP/1.1\r\nno colon\r\n", 400, "bad-input"),
        (b"GET /\xff\x00 HTTP/1.1\r\n", 400, "bad-input"),
    ],
    ids=["address", "header", "headers", "not a header", "not an address"],
)
def test_a_head_that_is_refused_is_answered_with_a_problem(server, head, status, reason):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head + b"Host: x\r\n\r\n")
        reply = HTTPResponse(connection)
        reply.begin()
        said = json.loads(reply.read())

    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert said["type"].endswith("/" + reason)
    assert said["status"] == status


def test_who_still_sends_too_large_a_body_sees_the_reply_and_may_ask_again(server):
    host, port = server.url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=10)
    connection.connect()
    kept = connection.sock

    connection.request("POST", "/v1/enrolments", body=bytes(3_000_000))
    refused = connection.getresponse()
    refused.read()
    connection.request("GET", "/healthz")
    served_again = connection.getresponse()
    served_again.read()

    assert (refused.status, served_again.status) == (413, 200)
    assert connection.sock is kept
    connection.close()
