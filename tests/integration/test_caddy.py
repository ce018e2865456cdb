"""The shipped Caddyfile in front of a real server, without TLS, which caddy itself is trusted with."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import made_bundles
import pytest
from servers import free_port, served

from dashlight.wire import MEDIA_TYPE

CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"
pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")


@pytest.fixture(scope="module")
def through(tmp_path_factory):
    """A server, and a client that reaches it through caddy."""
    folder = tmp_path_factory.mktemp("caddy")
    with served(folder / "data", trusted_proxy="127.0.0.1", reports_per_sender=1) as running:
        url = f"http://127.0.0.1:{free_port()}"
        env = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "SITE_ADDRESS": url,
            "UPSTREAM": running.url.removeprefix("http://"),
            "CADDY_ADMIN": "off",
            "GRACE_PERIOD": "1s",
        }
        command = [shutil.which("caddy"), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as process:
            client = httpx.Client(base_url=url, timeout=30, trust_env=False)
            ends = time.monotonic() + 30
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < ends, (folder / "log").read_text()
                    assert process.poll() is None, (folder / "log").read_text()
            try:
                yield running, client, folder / "log"
            finally:
                client.close()
                process.terminate()
                process.wait(30)


@pytest.fixture(scope="module")
def pictures(through):
    running, _, _ = through
    return running.publish(made_bundles.archive(3, bundle_number=7001)).picture_ids


def test_a_part_of_a_picture_comes_as_it_was_asked_for(through, pictures):
    running, client, _ = through
    path = f"/v1/pictures/{pictures[0]}/picture.jpg"

    part = client.get(path, headers={"Range": "bytes=10-29"})

    assert part.status_code == 206
    assert part.content == running.client.get(path).content[10:30]
    assert part.headers["content-range"].startswith("bytes 10-29/")
    assert part.headers["strict-transport-security"] == "max-age=31536000"


def test_live_events_come_while_the_stream_is_open(through):
    running, client, _ = through
    with client.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        next(lines)
        receipt = running.publish(made_bundles.archive(1, bundle_number=7002))

        told = next(line for line in lines if line.startswith("data:") and receipt.picture_ids[0] in line)

    assert told


def test_a_bundle_goes_up_and_a_large_body_elsewhere_does_not(through):
    running, client, _ = through
    archive = made_bundles.archive(2, bundle_number=7003)
    headers = {"Authorization": f"Bearer {running.token()}", "Content-Type": MEDIA_TYPE}

    up = client.put(f"/v1/bundles/{made_bundles.sha256_of(archive)}", content=archive, headers=headers)
    large = client.post("/v1/enrolments", content=bytes(65 * 1024), headers={"Content-Type": "application/json"})

    assert up.status_code == 201, up.text
    assert large.status_code == 413


def test_who_sends_too_much_shuts_nobody_out(through):
    _, client, _ = through
    json_type = {"Content-Type": "application/json"}

    sent = [client.post("/v1/enrolments", content=bytes(3_000_000), headers=json_type) for _ in range(5)]

    assert {reply.status_code for reply in sent} == {413}
    assert client.get("/healthz").status_code == 200


def test_who_writes_the_header_of_a_proxy_is_still_one_sender(through):
    running, client, _ = through
    pictures = running.publish(made_bundles.archive(3, bundle_number=7003)).picture_ids

    replies = [
        client.post(
            f"/v1/pictures/{picture}/report", json={"issue": "privacy"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
        )
        for n, picture in enumerate(pictures)
    ]

    assert [r.json()["hidden"] for r in replies] == [True, False, False]


def test_the_operators_numbers_and_addresses_stay_with_the_operator(through):
    _, client, log = through

    assert client.get("/metrics").status_code == 404
    assert "remote_ip" not in log.read_text()
