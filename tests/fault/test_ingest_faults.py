"""For each durable write of ingest: it failed, or it failed but persisted. What is retried then comes out right."""

import http.client

import httpx
import made_bundles
import pytest
from servers import ServerProcess, draw_tokens, served

from dashlight.errors import HostError
from dashlight.store import tokens
from dashlight.store.upkeep import sweep
from dashlight.wire import MEDIA_TYPE, bundle_key, deletion_secret, sign, to_base64url


class Trouble:
    """Breaks one call of a real part, once, before or after it has done its work."""

    def __init__(self, owner, name, *, is_done_first):
        self._real = getattr(owner, name)
        self._owner, self._name = owner, name
        self._is_done_first = is_done_first
        self.is_over = False
        setattr(owner, name, self)

    def __call__(self, *args, **kwargs):
        if self.is_over:
            return self._real(*args, **kwargs)
        self.is_over = True
        if self._is_done_first:
            self._real(*args, **kwargs)
        raise HostError("No space left on device", code="disk")


def objects_and_names(running):
    with running.store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT key FROM object").scalars().all()
    return sorted(running.store.objects.keys()), sorted(rows)


@pytest.mark.parametrize("is_done_first", [False, True])
@pytest.mark.parametrize("part", ["objects.adopt", "database.write"])
def test_a_write_that_fails_is_told_and_the_retry_comes_out_right(tmp_path, part, is_done_first):
    archive = made_bundles.archive(3)
    with served(tmp_path) as running:
        token = running.token()
        owner = getattr(running.store, part.partition(".")[0])
        trouble = Trouble(owner, part.partition(".")[2], is_done_first=is_done_first)

        failed = running.put(archive, token)
        again = running.put(archive, token)

        assert trouble.is_over
        assert failed.status_code == 507
        assert again.status_code == (200 if part == "database.write" and is_done_first else 201)
        ids = again.json()["picture_ids"]
        assert [running.client.get(f"/v1/pictures/{i}/picture.jpg").status_code for i in ids] == [200] * 3
        assert running.client.get("/v1/instance").json()["pictures"] == 3
        if part == "objects.adopt" and is_done_first:  # Nobody knows that it was stored; the next start finds it.
            sweep(running.store.database, running.store.objects)
        stored, named = objects_and_names(running)
        assert stored == named
        assert len(named) == 1


@pytest.mark.parametrize("is_done_first", [False, True])
@pytest.mark.parametrize("name", ["enrol", "draw_tokens"])
def test_an_invite_is_spent_only_together_with_the_first_tokens(tmp_path, monkeypatch, name, is_done_first):
    monkeypatch.setattr(tokens, name, getattr(tokens, name))  # So that it is put back.
    with served(tmp_path) as running:
        trouble = Trouble(tokens, name, is_done_first=is_done_first)
        asked = {"invite": running.invite(), "policy": "fleet", "license": "CC-BY-SA-4.0"}

        failed, again = (running.client.post("/v1/enrolments", json=asked) for _ in range(2))

        assert trouble.is_over
        assert (failed.status_code, again.status_code) == (507, 201)


@pytest.mark.parametrize("is_done_first", [False, True])
@pytest.mark.parametrize("name", ["zero", "remove"])
def test_an_erasure_that_is_interrupted_is_finished_at_the_next_start(tmp_path, name, is_done_first):
    archive = made_bundles.archive(2, bundle_number=5)
    with served(tmp_path) as running:
        receipt = running.publish(archive)
        trouble = Trouble(running.store.objects, name, is_done_first=is_done_first)
        if name == "zero":
            secret = to_base64url(deletion_secret(made_bundles.SEED, 5, 0))
            url = f"/v1/pictures/{receipt.picture_ids[0]}"
            reply = running.client.delete(url, headers={"Dashlight-Deletion-Secret": secret})
        else:
            sha256 = made_bundles.sha256_of(archive)
            signature = to_base64url(sign(bundle_key(made_bundles.SEED, 5), "forget", sha256.encode()))
            reply = running.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})

        assert trouble.is_over
        assert reply.status_code == 507
        assert running.client.get(f"/v1/pictures/{receipt.picture_ids[0]}/picture.jpg").status_code == 410

    jpeg = made_bundles.redacted(0).jpeg
    with served(tmp_path) as running:
        content = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert jpeg not in content
        with running.store.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM erasure").scalar() == 0


def test_what_a_crash_left_behind_is_swept_at_the_next_start(tmp_path):
    with served(tmp_path) as running:
        running.publish(made_bundles.archive(2))
        kept, _ = objects_and_names(running)
    (tmp_path / "staging" / ".0123.part").write_bytes(b"half an upload")
    (tmp_path / "objects" / "bundles" / "zz").mkdir()
    (tmp_path / "objects" / "bundles" / "zz" / "orphan").write_bytes(b"stored, never committed")

    with served(tmp_path) as running:
        stored, named = objects_and_names(running)

    assert stored == named == kept
    assert list((tmp_path / "staging").iterdir()) == []


def test_an_upload_that_stalls_is_ended(tmp_path):
    with served(tmp_path, upload_stall_s=0.2) as running:
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=10)
        connection.putrequest("PUT", f"/v1/bundles/{'0' * 64}")
        connection.putheader("Authorization", f"Bearer {running.token()}")
        connection.putheader("Content-Type", MEDIA_TYPE)
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"only this")

        reply = connection.getresponse()

        assert reply.status == 408
        assert b"upload-stalled" in reply.read()
        connection.close()
        assert list((tmp_path / "staging").iterdir()) == []


def test_a_client_that_hangs_up_leaves_nothing(tmp_path):
    with served(tmp_path) as running:
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=10)
        connection.putrequest("PUT", f"/v1/bundles/{'0' * 64}")
        connection.putheader("Authorization", f"Bearer {running.token()}")
        connection.putheader("Content-Type", MEDIA_TYPE)
        connection.putheader("Content-Length", "100000")
        connection.endheaders(b"x" * 1000)
        connection.close()

        running.publish(made_bundles.archive(1))

    assert list((tmp_path / "staging").iterdir()) == []


def test_a_disk_that_is_full_in_the_middle_of_an_upload_loses_nothing(tmp_path):
    small, large = made_bundles.archive(2, bundle_number=1), made_bundles.archive(300, bundle_number=2)
    assert len(small) < 500_000 < len(large)
    drawn = draw_tokens(tmp_path, 3)
    server = ServerProcess(tmp_path, "--recheck-share", "0", largest_file_kb=500).start()
    try:
        with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as client:

            def put(archive, token):
                headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
                return client.put(f"/v1/bundles/{made_bundles.sha256_of(archive)}", content=archive, headers=headers)

            first, refused, again = put(small, drawn[0]), put(large, drawn[1]), put(small, drawn[0])

            assert [r.status_code for r in (first, refused, again)] == [201, 507, 200]
            assert refused.headers["content-type"] == "application/problem+json"
            assert client.get("/v1/instance").json()["pictures"] == 2
    finally:
        server.stop()
    assert list((tmp_path / "staging").iterdir()) == []
