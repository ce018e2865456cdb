"""The whole API is driven, well and badly, and nothing of places, people or what they sent is in the log."""

import io
import json
import logging
import re
import socket
import subprocess
import sys

import made_bundles
import pytest
from servers import QUIET, personal_archive, served

from dashlight.cli.logs import set_up_logs
from dashlight.config import environment
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy
from dashlight.wire import deletion_secret, to_base64url

PERSON = "ada-lovelace"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HASH = re.compile(r"[0-9a-f]{40,}")
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
PLACE = re.compile(r"-?\d{1,3}\.\d{3,}")
ADDRESS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b")


@pytest.fixture
def log():
    """What `dashlight serve --json` would write, at the level that tells most."""
    names = ("dashlight", "uvicorn", "asyncio")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each.handlers[:], each.level, each.propagate) for each in loggers]
    set_up_logs(logging.DEBUG, is_json=True, names=names, is_discreet=True)
    kept = io.StringIO()
    for logger in loggers:
        logger.handlers[0].setStream(kept)
    yield kept
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def strange_words(text):
    """Return what of a log may name a place, a person, a picture, a token or an address; times are not looked at."""
    found = []
    for line in text.splitlines():
        row = json.loads(line)
        row.pop("at")
        said = json.dumps(row)
        found += [m[0] for kind in (UUID, HASH, TOKEN, PLACE, ADDRESS) for m in kind.finditer(said)]
        found += [word for word in (PERSON, "bbox", "Bearer", "?") if word in said]
    return found


def drive(server):
    """Ask everything that the OpenAPI names, well and badly, with words that must not be told."""
    first = server.publish(made_bundles.archive(5, bundle_number=1))
    server.publish(personal_archive(3, 3), policy=Policy.PERSONAL)
    publish_staged(server.store.database, server.store.objects)
    picture = first.picture_ids[0]
    known = {"picture_id": picture, "item_id": picture, "z": "14", "x": "8023", "y": "6178", "sha256": "ab" * 32}
    headers = {"User-Agent": PERSON, "Referer": f"https://example.org/{PERSON}", "Authorization": f"Bearer {'Q' * 43}"}
    queries = ({}, {"bbox": "-3.70382,40.41681,-3.70371,40.41699"}, {"bbox": PERSON, "cursor": PERSON, "limit": PERSON})
    for path, operations in server.client.get("/v1/openapi.json").json()["paths"].items():
        url = re.sub(r"\{(\w+)(?::path)?\}", lambda m: known.get(m[1], PERSON), path)
        for method in operations:
            for query in queries:
                body = {"comment": PERSON, "bbox": [-3.70382, 40.41681, -3.7, 40.5], "issue": "other"}
                sent = {"json": body} if method in ("post", "put", "patch") else {}
                with server.client.stream(method, url, params=query, headers=headers, **sent) as reply:
                    assert reply.status_code < 500 or reply.status_code == 503, (method, url, reply.status_code)
    secret = to_base64url(deletion_secret(made_bundles.SEED, 1, 1))
    server.client.delete(f"/v1/pictures/{first.picture_ids[1]}", headers={"Dashlight-Deletion-Secret": secret})
    server.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy", "comment": PERSON})
    server.put(b"not a bundle")
    server.client.get(f"/nowhere/{PERSON}/-3.70382")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GARBAGE {PERSON} -3.70382\r\n\r\n".encode())
        connection.recv(1_000)


def test_the_log_of_the_whole_api_names_no_place_and_nobody(tmp_path, log):
    with served(tmp_path) as server:
        drive(server)

    text = log.getvalue()
    assert strange_words(text) == []
    assert "store.swept" in text


def test_a_crash_is_logged_by_kind_and_line_without_what_was_asked(tmp_path, log):
    with served(tmp_path) as server:

        @server.application.api.get("/crash/{place}")
        def crash(place: str):
            try:
                float(place)
            except ValueError as exc:
                raise RuntimeError(f"no place {place}") from exc

        reply = server.client.get(f"/crash/{PERSON}")

    rows = [json.loads(line) for line in log.getvalue().splitlines()]
    crashed = [row for row in rows if row["event"] == "request.crashed"]
    assert (reply.status_code, reply.json()["type"].rsplit("/", 1)[1]) == (500, "defect")
    assert len(crashed) == 1
    assert "test_server_logs.py" in crashed[0]["traceback"]
    assert "builtins.RuntimeError\nfrom\n" in crashed[0]["traceback"]
    assert "builtins.ValueError" in crashed[0]["traceback"]
    assert PERSON not in log.getvalue()


def test_what_a_library_shows_of_its_objects_is_left_out(log):
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task exception='%s'>", PERSON)

    assert json.loads(log.getvalue())["event"] == "Task exception was never retrieved"


def test_a_server_logs_json_by_setting(tmp_path):
    env = {**environment(), **QUIET, "DASHLIGHT_SERVER_LOG_JSON": "true"}
    command = [sys.executable, "-m", "dashlight", "serve", "--data", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True) as server:
        first = server.stdout.readline()
        server.terminate()
        rows = [json.loads(line) for line in server.stderr]

    assert first.startswith("dashlight is at")
    assert "store.swept" in {row["event"] for row in rows}
    assert server.returncode == 0
