"""Live streams over real sockets: who does not read keeps nobody waiting, and who hangs up is forgotten."""

import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
from servers import served

from dashlight.store.outbox import NewEvent, tell

LARGE = 16 << 20  # More than the buffers of both sockets take.


def happen(server, *data):
    """Write events that concern everybody, in one commit each."""
    for each in data:
        server.store.database.write(lambda t, each=each: tell(t, [NewEvent("refresh", each)]))


@contextmanager
def connected(server):
    """Yield a raw stream that was told `hello`."""
    with socket.socket() as line:
        line.settimeout(20)
        line.connect(("127.0.0.1", urlsplit(server.url).port))
        line.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"event: hello" in read_until(line, b"event: hello")
        yield line


def read_until(line, end):
    """Return what comes up to `end`, and what came with it."""
    kept, tail = [], b""
    while end not in tail:
        some = line.recv(1 << 20)
        assert some, "the line ended"
        kept.append(some)
        tail = tail[-len(end) :] + some
    return b"".join(kept)


def streams(server):
    text = server.client.get("/metrics").text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("dashlight_catalog_live_stre"))


def test_a_reader_who_stops_reading_keeps_nobody_waiting_and_is_told_to_refresh(tmp_path):
    with served(tmp_path, live_queue=5) as server, connected(server) as slow:
        with httpx.stream("GET", server.url + "/live", timeout=20, trust_env=False) as quick:
            told = quick.iter_lines()
            happen(server, '"' + "x" * LARGE + '"')
            assert any(line.startswith('data: "xx') for line in told)
            for turn in range(3):
                happen(server, *(f'"small {turn} {number}"' for number in range(3)))
                assert any(line == f'data: "small {turn} 2"' for line in told)

        late = read_until(slow, b"event: refresh\ndata: {}\n\n")

        assert late.count(b"x") >= LARGE
        assert b"small" not in late
        happen(server, '"again"')
        assert b"small" not in read_until(slow, b'data: "again"\n\n')


def test_every_piece_is_one_chunk(tmp_path):
    with served(tmp_path) as server, connected(server) as line:
        happen(server, '"once"')

        size, _, rest = read_until(line, b'data: "once"\n\n\r\n').partition(b"\r\n")

        assert rest == b'id: 1\nevent: refresh\ndata: "once"\n\n\r\n'
        assert int(size, 16) == len(rest) - 2


def test_who_hangs_up_is_forgotten(tmp_path):
    with served(tmp_path) as server:
        with connected(server), connected(server):
            assert streams(server) == 2

        for _ in range(1_000):
            if streams(server) == 0:
                break
        assert streams(server) == 0
