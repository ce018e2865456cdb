"""A real server is killed at random moments of ingest; whatever it acknowledged is there afterwards, once."""

import http.client
import io
import json
import random
import tarfile
import threading
import time

import httpx
import made_bundles
import pytest
from kills import kills_of
from servers import ServerProcess, draw_tokens

from dashlight.store import bundles
from dashlight.store.upkeep import open_store
from dashlight.wire import MEDIA_TYPE, bundle_key, from_base64url, sign, to_base64url, verify_receipt

PICTURES = 30
LONGEST_LIFE_S = 0.6


class Sender(threading.Thread):
    """Sends bundles one after the other, keeps the receipts, and takes some bundles back."""

    def __init__(self, server, work, receipts, erased):
        super().__init__(daemon=True)
        self.server = server
        self.work = work
        self.receipts = receipts
        self.erased = erased
        self.failure = None

    def run(self):
        try:
            while self.work:
                number, token, archive = self.work[0]
                sha256 = made_bundles.sha256_of(archive)
                status, content = self._request("PUT", sha256, token, archive)
                assert status in (200, 201), content
                self.receipts[number] = (archive, content)
                if number % 5 == 0:
                    self._erase(number, sha256)
                self.work.pop(0)
        except (OSError, http.client.HTTPException):
            pass  # The server was killed; the bundle is sent again in its next life.
        except AssertionError as exc:
            self.failure = exc

    def _erase(self, number, sha256):
        signature = sign(bundle_key(made_bundles.SEED, number), "forget", sha256.encode())
        self.erased[number] = "asked"
        headers = {"Dashlight-Signature": to_base64url(signature)}
        status, content = self._send("DELETE", f"/v1/bundles/{sha256}", None, headers)
        assert status == 204, content
        self.erased[number] = "done"

    def _request(self, method, sha256, token, archive):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
        status, content = self._send(method, f"/v1/bundles/{sha256}", archive, headers)
        if status == 409 and b"erased" in content:
            return 200, self.receipts[int(self.work[0][0])][1]
        return status, content

    def _send(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()


def check(server, receipts, erased, numbers):
    """Check what was acknowledged, and return how many pictures must be shown and how many are.

    Args:
        server: Running again.
        receipts: Of every bundle that was acknowledged: the archive and the receipt.
        erased: Which of them their owner took back.
        numbers: The bundles whose bytes are all compared; of the others it is only counted.
    """
    with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as client:
        key = from_base64url(client.get("/v1/instance").json()["server_key"])
        expected = 0
        for number, (archive, content) in receipts.items():
            receipt = verify_receipt(content, server_key=key, sha256=made_bundles.sha256_of(archive))
            if number in erased:
                status = client.get(f"/v1/pictures/{receipt.picture_ids[0]}/picture.jpg").status_code
                assert status in ((410,) if erased[number] == "done" else (200, 410))
                if status == 410:
                    continue
            expected += PICTURES
            if number in numbers:
                compare(client, archive, receipt)
        return expected, client.get("/v1/instance").json()["pictures"]


def compare(client, archive, receipt):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for number, picture_id in enumerate(receipt.picture_ids):
            served = client.get(f"/v1/pictures/{picture_id}/picture.jpg")
            assert served.content == tar.extractfile(f"{number:04}.jpg").read(), f"picture {number}"


def check_folder(folder):
    """Check that no file lies there that no row names, and that the rows agree with each other."""
    store = open_store(folder)
    try:
        with store.database.read() as connection:
            named = bundles.object_keys(connection)
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("SELECT count(*) FROM erasure").scalar() == 0
            counts = [
                connection.exec_driver_sql(sql).scalar() or 0
                for sql in (
                    "SELECT count(*) FROM picture",
                    "SELECT count(*) FROM mark",
                    "SELECT sum(pictures) FROM daily",
                    "SELECT sum(pictures) FROM cover WHERE resolution = 1",
                    "SELECT sum(pictures) FROM cover_day WHERE resolution = 11",
                    "SELECT sum(pictures) FROM terms",
                )
            ]
        assert len(set(counts)) == 1, counts
        assert set(store.objects.keys()) == named, "an object without a row was left behind"
        assert list((folder / "staging").iterdir()) == [], "a staged file was left behind"
    finally:
        store.database.close()


def kill_loop(folder, kills, *, seed=0):
    """Kill a server `kills` times during ingest and check after each; return how many receipts were held."""
    chance = random.Random(seed)
    tokens = draw_tokens(folder, kills * 4 + 4)
    work = [
        (number, token, made_bundles.archive(PICTURES, bundle_number=number))
        for number, token in enumerate(tokens, start=1)
    ]
    receipts, erased = {}, {}
    server = ServerProcess(folder, "--recheck-share", "0").start()
    for _ in range(kills):
        known = set(receipts)
        sender = Sender(server, work, receipts, erased)
        sender.start()
        time.sleep(chance.uniform(0, LONGEST_LIFE_S))  # The random moment; nothing is waited for.
        server.kill()
        sender.join(30)
        assert sender.failure is None, sender.failure
        server.start()
        at_most = len(receipts) * PICTURES + PICTURES  # One more may be stored whose receipt was lost on the way.
        numbers = (set(receipts) - known) | set(chance.sample(sorted(known), min(3, len(known))))
        expected, shown = check(server, receipts, erased, numbers)
        assert expected <= shown <= at_most, f"{shown} pictures are shown, {expected} were acknowledged"
    check(server, receipts, erased, set(receipts))
    assert server.stop() == 0
    check_folder(folder)
    return len(receipts)


@pytest.mark.soak
def test_a_killed_server_keeps_what_it_acknowledged(tmp_path, record_property):
    kills = kills_of("ingest")

    receipts = kill_loop(tmp_path, kills)

    record_property("kills", kills)
    record_property("receipts", receipts)
    assert receipts > 0


def test_a_server_that_is_asked_to_stop_ends_well(tmp_path):
    server = ServerProcess(tmp_path).start()
    with httpx.stream("GET", server.url + "/live", timeout=10, trust_env=False) as reply:
        assert next(reply.iter_lines())

        code = server.stop()

    assert code == 0


def test_two_servers_never_run_on_one_folder(tmp_path):
    server = ServerProcess(tmp_path).start()
    second = ServerProcess(tmp_path)

    with pytest.raises(AssertionError, match=r"exit code 7.*another server runs on"):
        second.start()

    server.stop()


def test_invites_are_made_beside_a_running_server(tmp_path):
    server = ServerProcess(tmp_path).start()
    token = draw_tokens(tmp_path, 1)[0]
    archive = made_bundles.archive(2)

    reply = httpx.put(
        f"{server.url}/v1/bundles/{made_bundles.sha256_of(archive)}",
        content=archive,
        headers={"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE},
        trust_env=False,
    )

    assert reply.status_code == 201
    assert json.loads(reply.content)["pictures"] == 2
    server.stop()
