"""The real application over real HTTP: what contributors may ask."""

import asyncio
import gzip
import hashlib
import http.client
import io
import json
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import made_bundles
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from servers import SETTINGS, personal_archive, served

from dashlight.errors import Unavailable
from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.personal import publish_staged
from dashlight.ingest.recheck import Readable
from dashlight.ingest.verify import drawn_numbers
from dashlight.ingest.worker import run_due
from dashlight.model import Policy, day_of
from dashlight.store.upkeep import forget_refused, note_batch
from dashlight.wire import (
    MAX_BUNDLE_BYTES,
    MEDIA_TYPE,
    bundle_key,
    deletion_secret,
    from_base64url,
    sign,
    to_base64url,
    verify_receipt,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("server"), reports_per_hour=1000, reports_per_sender=1000) as running:
        yield running


@pytest.fixture
def own_server(tmp_path):
    with served(tmp_path / "server") as running:
        yield running


def numbers():
    yield from range(1000, 10_000)


NUMBER = numbers()


def fresh(count=3, **options):
    return made_bundles.archive(count, bundle_number=next(NUMBER), **options)


def problem(reply):
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["status"] == reply.status_code
    return body["type"].rsplit("/", 1)[1]


def every_file(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_bundle_is_answered_by_a_receipt_that_holds(server):
    archive = fresh()

    receipt = server.publish(archive)

    assert receipt.pictures == 3
    assert len(set(receipt.picture_ids)) == 3


def test_every_picture_is_served_byte_for_byte(server):
    archive = fresh()

    receipt = server.publish(archive)

    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for number, picture_id in enumerate(receipt.picture_ids):
            full = server.client.get(f"/v1/pictures/{picture_id}/picture.jpg")
            thumb = server.client.get(f"/v1/pictures/{picture_id}/thumb.jpg")
            assert full.content == tar.extractfile(f"{number:04}.jpg").read()
            assert thumb.content == tar.extractfile(f"{number:04}.thumb.jpg").read()


def test_the_same_bundle_again_gives_the_same_receipt(server):
    archive, token = fresh(), server.token()

    first = server.put(archive, token)
    again = server.put(archive, token)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content


def test_a_token_is_spent_once(server):
    token = server.token()
    server.publish(fresh(), token)

    reply = server.put(fresh(), token)

    assert (reply.status_code, problem(reply)) == (409, "token-spent")


def test_a_refused_bundle_leaves_its_token_unspent(server):
    token = server.token()
    archive = fresh()

    assert server.put(archive[:-1], token).status_code == 400
    assert server.put(archive, token).status_code == 201


@pytest.mark.parametrize("token", ["A" * 43, "short", to_base64url(bytes(32))])
def test_a_forged_token_is_refused(server, token):
    reply = server.put(fresh(), token)

    assert reply.status_code == 401


def test_a_missing_token_is_refused(server):
    reply = server.client.put(f"/v1/bundles/{'0' * 64}", headers={"Content-Type": MEDIA_TYPE})

    assert (reply.status_code, problem(reply)) == (401, "no-token")


def test_a_token_of_another_policy_is_refused(server):
    reply = server.put(fresh(), server.token(Policy.OPEN))

    assert reply.status_code == 401


def test_an_invite_is_spent_once(server):
    asked = {"invite": server.invite(), "policy": "fleet", "license": "CC-BY-SA-4.0"}

    assert server.client.post("/v1/enrolments", json=asked).status_code == 201
    assert server.client.post("/v1/enrolments", json=asked).status_code == 401


def test_a_small_budget_of_tokens_does_not_cost_the_invite(tmp_path):
    with served(tmp_path, tokens_per_day=3) as running:
        assert len(running.enrol()["tokens"]) == 3


def test_an_invite_is_for_its_policy(server):
    asked = {"invite": server.invite(Policy.OPEN), "policy": "fleet", "license": "CC-BY-SA-4.0"}

    assert server.client.post("/v1/enrolments", json=asked).status_code == 401


def test_an_unknown_licence_is_refused(server):
    asked = {"invite": server.invite(), "policy": "fleet", "license": "MIT"}

    reply = server.client.post("/v1/enrolments", json=asked)

    assert (reply.status_code, problem(reply)) == (400, "bad-license")


def test_tokens_are_drawn_up_to_the_days_budget(own_server):
    credential = {"Authorization": f"Bearer {own_server.enrol()['credential']}"}

    replies = [own_server.client.post("/v1/tokens", json={"count": 100}, headers=credential) for _ in range(20)]

    assert [r.status_code for r in replies] == [201] * 19 + [503]
    assert int(replies[-1].headers["retry-after"]) > 0


def renamed(archive, old, new):
    """Return the archive with a member's name exchanged, and a header checksum that fits."""
    out = bytearray(archive)
    at = out.index(old.encode() + b"\0")
    out[at : at + 100] = new.encode().ljust(100, b"\0")
    out[at + 148 : at + 156] = b" " * 8
    out[at + 148 : at + 156] = b"%06o\0 " % sum(out[at : at + 512])
    return bytes(out)


def flipped(archive, at):
    out = bytearray(archive)
    out[at] ^= 1
    return bytes(out)


HOSTILE = {
    "empty": lambda _: b"",
    "cut": lambda a: a[: len(a) // 2],
    "trailing bytes": lambda a: a + bytes(512),
    "changed picture": lambda a: flipped(a, a.index(b"\xff\xd8\xff") + 200),
    "changed manifest": lambda a: flipped(a, 600),
    "changed signature": lambda a: flipped(a, a.index(b"manifest.sig") + 520),
    "path": lambda a: renamed(a, "0000.jpg", "../../etc/passwd"),
    "absolute path": lambda a: renamed(a, "0000.jpg", "/etc/passwd"),
    "duplicate": lambda a: renamed(a, "0001.jpg", "0000.jpg"),
    "order": lambda a: renamed(renamed(renamed(a, "0000.jpg", "x"), "0001.jpg", "0000.jpg"), "x", "0001.jpg"),
    "random bytes": lambda a: hashlib.shake_256(a).digest(4096),
    "gzip": lambda _: gzip.compress(bytes(10_000_000)),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_what_is_not_a_bundle_is_refused_and_nothing_is_kept(own_server, how):
    hostile = HOSTILE[how](fresh())
    token = own_server.token()
    folder = own_server.folder

    reply = own_server.put(hostile, token)

    assert reply.status_code == 400, reply.text
    assert problem(reply)
    assert [p for p in folder.rglob("*") if p.is_file() and "sqlite" not in p.name and "server" not in p.name] == []
    assert own_server.client.get("/v1/instance").json()["pictures"] == 0


def test_a_bundle_under_another_name_is_refused(server):
    reply = server.put(fresh(), sha256="0" * 64)

    assert (reply.status_code, problem(reply)) == (400, "bad-hash")


def test_more_than_a_bundle_may_hold_is_refused_before_it_is_read(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.putrequest("PUT", f"/v1/bundles/{'0' * 64}")
    connection.putheader("Authorization", f"Bearer {server.token()}")
    connection.putheader("Content-Type", MEDIA_TYPE)
    connection.putheader("Content-Length", str(MAX_BUNDLE_BYTES + 1))
    connection.endheaders()

    reply = connection.getresponse()

    assert reply.status == 413
    assert json.loads(reply.read())["type"].endswith("/too-large")
    connection.close()


def test_a_body_without_a_length_is_refused_when_it_grows_too_large(server):
    def endless():
        for _ in range(MAX_BUNDLE_BYTES // (1 << 20) + 1):
            yield bytes(1 << 20)

    try:
        reply = server.put(endless(), sha256="0" * 64)
    except httpx.WriteError:
        return  # The server closed before everything was sent, which is its right.

    assert (reply.status_code, problem(reply)) == (413, "too-large")


def test_another_media_type_is_refused(server):
    reply = server.put(fresh(), **{"Content-Type": "application/x-tar"})

    assert (reply.status_code, problem(reply)) == (400, "bad-media-type")


def test_a_name_that_is_no_hash_is_refused(server):
    reply = server.put(fresh(), sha256="..%2f..%2fetc")

    assert reply.status_code in (400, 404)


def test_a_bundle_that_breaks_its_policy_is_refused(server):
    archive = made_bundles.archive(2, policy=Policy.PERSONAL, bundle_number=next(NUMBER))

    reply = server.put(archive, policy=Policy.PERSONAL)

    assert (reply.status_code, problem(reply).split("-")[0]) == (422, "policy")


class Suspicious:
    """A second look that finds a plate in everything."""

    def __init__(self):
        self.looked = 0

    async def readable(self, _jpeg, _redactions, _thumbnail):
        self.looked += 1
        return (Readable("plate", (1.0, 2.0, 3.0, 4.0)),)

    async def close(self):
        pass


class Blind:
    """A second look that is not available."""

    async def readable(self, _jpeg, _redactions, _thumbnail):
        raise Unavailable("no detectors", code="recheck-unavailable", retry_after_s=7)

    async def close(self):
        pass


def test_a_readable_plate_refuses_the_bundle(tmp_path):
    with served(tmp_path, look=Suspicious(), recheck_share=1.0) as running:
        reply = running.put(fresh())

        assert (reply.status_code, problem(reply)) == (422, "readable-plate")
        assert running.client.get("/v1/instance").json()["pictures"] == 0


class Forgiving(Suspicious):
    """A second look that finds a plate the first time only."""

    async def readable(self, jpeg, redactions, thumbnail):
        found = await super().readable(jpeg, redactions, thumbnail)
        return found if self.looked == 1 else ()


def test_a_bundle_that_was_refused_once_stays_refused_and_its_token_is_spent(tmp_path):
    look = Forgiving()
    with served(tmp_path, look=look, recheck_share=1.0) as running:
        archive, token = fresh(), running.token()

        assert problem(running.put(archive, token)) == "readable-plate"
        again = [running.put(archive, token), running.put(archive)]

        assert [(r.status_code, problem(r)) for r in again] == [(422, "refused-before")] * 2
        assert look.looked == 1
        assert problem(running.put(fresh(), token)) == "token-spent"
        with running.store.database.read() as connection:
            (row,) = connection.exec_driver_sql("SELECT * FROM refused").all()
        assert row.sha256.hex() == made_bundles.sha256_of(archive)
        running.store.database.write(lambda t: forget_refused(t, row.day + 30))
        assert running.put(archive).status_code == 422
        running.store.database.write(lambda t: forget_refused(t, row.day + 31))
        assert running.put(archive).status_code == 201


def test_the_draw_of_the_second_look_is_the_same_each_time_and_the_servers_own():
    sha256 = "ab" * 32
    draws = [drawn_numbers(secret, sha256, 300, 0.5) for secret in (b"a" * 32, b"a" * 32, b"b" * 32)]

    assert draws[0] == draws[1] != draws[2]
    assert 100 < len(draws[0]) < 200
    assert drawn_numbers(b"a" * 32, sha256, 3, 0.0) == []
    assert drawn_numbers(b"a" * 32, sha256, 3, 1.0) == [0, 1, 2]


def test_a_token_of_another_policy_gets_no_receipt_of_a_known_bundle(own_server):
    fleet, personal = fresh(), personal_archive(3, 2100)
    own_server.publish(fleet)
    own_server.publish(personal, policy=Policy.PERSONAL)

    replies = [own_server.put(fleet, policy=Policy.PERSONAL), own_server.put(personal, policy=Policy.FLEET)]

    assert [(r.status_code, problem(r)) for r in replies] == [(401, "bad-token")] * 2


def test_without_a_second_look_nothing_is_published(tmp_path):
    with served(tmp_path, look=Blind(), recheck_share=1.0) as running:
        reply = running.put(fresh())

        assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")
        assert running.client.get("/v1/instance").json()["pictures"] == 0


def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    with served(tmp_path, keep_free_mb=10**9) as running:
        token = running.token()
        archive = fresh()

        assert running.put(archive, token).status_code == 507


def test_the_bundles_key_erases_it_and_its_bytes(own_server):
    number = next(NUMBER)
    archive = made_bundles.archive(3, bundle_number=number)
    receipt = own_server.publish(archive)
    sha256 = made_bundles.sha256_of(archive)
    signature = to_base64url(sign(bundle_key(made_bundles.SEED, number), "forget", sha256.encode()))

    replies = [
        own_server.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature}) for _ in range(2)
    ]

    assert [r.status_code for r in replies] == [204, 204]
    for picture_id in receipt.picture_ids:
        assert own_server.client.get(f"/v1/pictures/{picture_id}").status_code == 410
        assert own_server.client.get(f"/v1/pictures/{picture_id}/picture.jpg").status_code == 410
    assert own_server.client.get("/v1/tiles/0/0/0.mvt").status_code == 204
    assert own_server.client.get("/v1/instance").json()["bbox"] is None
    assert list(own_server.store.objects.keys()) == []
    assert (own_server.put(archive).status_code, problem(own_server.put(archive))) == (409, "erased")


def test_another_key_erases_nothing(server):
    archive = fresh()
    receipt = server.publish(archive)
    sha256 = made_bundles.sha256_of(archive)
    signature = to_base64url(sign(bundle_key(made_bundles.SEED, 1), "forget", sha256.encode()))

    reply = server.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})

    assert reply.status_code == 401
    assert server.client.get(f"/v1/pictures/{receipt.picture_ids[0]}").status_code == 200


def test_an_unknown_bundle_cannot_be_erased(server):
    reply = server.client.delete(f"/v1/bundles/{'1' * 64}", headers={"Dashlight-Signature": to_base64url(bytes(64))})

    assert (reply.status_code, problem(reply)) == (404, "no-bundle")


def test_a_picture_is_erased_by_its_secret_and_nothing_of_it_is_left(own_server):
    number = next(NUMBER)
    archive = made_bundles.archive(3, bundle_number=number)
    receipt = own_server.publish(archive)
    picture = own_server.client.get(f"/v1/pictures/{receipt.picture_ids[1]}").json()
    jpeg = own_server.client.get(f"/v1/pictures/{receipt.picture_ids[1]}/picture.jpg").content
    secret = to_base64url(deletion_secret(made_bundles.SEED, number, 1))

    codes = [
        own_server.client.delete(
            f"/v1/pictures/{picture['id']}", headers={"Dashlight-Deletion-Secret": secret}
        ).status_code
        for _ in range(2)
    ]

    folder = own_server.folder
    lon = str(picture["geometry"]["coordinates"][0]).encode()
    assert codes == [204, 410]
    assert own_server.client.get(f"/v1/pictures/{picture['id']}/thumb.jpg").status_code == 410
    assert own_server.client.get("/v1/instance").json()["pictures"] == 2
    for name, content in every_file(folder).items():
        assert jpeg not in content, name
        assert lon not in content, f"{name} still tells where the erased picture was"
    for other in (0, 2):
        assert own_server.client.get(f"/v1/pictures/{receipt.picture_ids[other]}/picture.jpg").status_code == 200


def test_a_bundle_whose_pictures_are_gone_erases_nobody_elses(own_server):
    mine, theirs = next(NUMBER), next(NUMBER)
    my_bundle = made_bundles.archive(1, bundle_number=mine)
    (my_picture,) = own_server.publish(my_bundle).picture_ids
    secret = to_base64url(deletion_secret(made_bundles.SEED, mine, 0))
    own_server.client.delete(f"/v1/pictures/{my_picture}", headers={"Dashlight-Deletion-Secret": secret})
    receipt = own_server.publish(made_bundles.archive(3, bundle_number=theirs))
    sha256 = made_bundles.sha256_of(my_bundle)
    signature = to_base64url(sign(bundle_key(made_bundles.SEED, mine), "forget", sha256.encode()))

    reply = own_server.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})

    assert reply.status_code == 204
    assert [own_server.client.get(f"/v1/pictures/{i}").status_code for i in receipt.picture_ids] == [200] * 3


@pytest.mark.parametrize("table", ["object", "picture"])
def test_no_number_is_given_twice(own_server, table):
    given = set()
    for number in (next(NUMBER), next(NUMBER)):
        receipt = own_server.publish(made_bundles.archive(1, bundle_number=number))
        with own_server.store.database.read() as connection:
            given.add(connection.exec_driver_sql(f"SELECT number FROM {table}").scalar_one())
        secret = to_base64url(deletion_secret(made_bundles.SEED, number, 0))
        url = f"/v1/pictures/{receipt.picture_ids[0]}"
        assert own_server.client.delete(url, headers={"Dashlight-Deletion-Secret": secret}).status_code == 204

    assert len(given) == 2


def test_a_wrong_secret_erases_nothing(server):
    receipt = server.publish(fresh())

    reply = server.client.delete(
        f"/v1/pictures/{receipt.picture_ids[0]}", headers={"Dashlight-Deletion-Secret": to_base64url(bytes(32))}
    )

    assert reply.status_code == 401
    assert server.client.get(f"/v1/pictures/{receipt.picture_ids[0]}").status_code == 200


def test_personal_pictures_appear_together_and_nothing_ties_them(own_server):
    archives = {n: personal_archive(5, n) for n in (2001, 2002)}
    receipts = [own_server.publish(a, policy=Policy.PERSONAL) for a in archives.values()]
    hidden = own_server.client.get("/v1/instance").json()["pictures"]

    published = publish_staged(own_server.store.database, own_server.store.objects)

    page = own_server.client.get("/v1/pictures").json()["features"]
    assert all(r.picture_ids == () for r in receipts)
    assert (hidden, published, len(page)) == (0, 10, 10)
    assert {p["properties"]["captured"] for p in page} == {"2026-10"}
    assert {p["properties"]["sequence"] for p in page} == {None}
    content = b"".join(every_file(own_server.folder).values())
    for number, archive in archives.items():
        key = bundle_key(made_bundles.SEED, number).public_key().public_bytes_raw()
        assert key not in content, "the bundle's key is forgotten"
        assert archive[512:700] not in content, "the manifest is forgotten"
    assert {p.stat().st_mtime for p in own_server.store.objects._objects.rglob("*") if p.is_file()} == {0.0}
    for picture in page:
        assert own_server.client.get(f"/v1/pictures/{picture['id']}/picture.jpg").content[:2] == b"\xff\xd8"


@pytest.mark.parametrize("damage", [lambda p: p.write_bytes(bytes(p.stat().st_size)), lambda p: p.unlink()])
def test_a_staged_bundle_that_is_damaged_keeps_nobody_elses_out(own_server, caplog, damage):
    store = own_server.store
    own_server.publish(personal_archive(3, 2006), policy=Policy.PERSONAL)
    (key,) = store.objects.keys()
    own_server.publish(personal_archive(4, 2007), policy=Policy.PERSONAL)
    path = store.objects._objects / key
    content = path.read_bytes()
    damage(path)
    metrics = IngestMetrics(CollectorRegistry())

    published = publish_staged(store.database, store.objects, metrics=metrics)
    counted = metrics.damaged.collect()[0].samples[0].value
    path.write_bytes(content)  # From a backup.
    later = publish_staged(store.database, store.objects, metrics=metrics)

    assert (published, counted, later) == (4, 1, 3)
    assert metrics.damaged.collect()[0].samples[0].value == 0
    assert [r.object for r in caplog.records if r.getMessage() == "batch.damaged"] == [key]
    assert own_server.client.get("/v1/instance").json()["pictures"] == 7


def public_counters(server):
    """Return what /metrics tells, save of the requests for itself."""
    text = server.client.get("/metrics").text
    counters = (line.rpartition(" ") for line in text.splitlines() if 'route="/metrics"' not in line)
    return {name: value for name, _, value in counters if not name.startswith("#")}


def test_the_public_counters_do_not_tell_when_a_personal_bundle_comes(own_server):
    before = public_counters(own_server)
    own_server.publish(personal_archive(3, 2008), policy=Policy.PERSONAL)
    after = public_counters(own_server)
    metrics = IngestMetrics(CollectorRegistry())
    publish_staged(own_server.store.database, own_server.store.objects, metrics=metrics)

    assert after == before
    assert not any("_created" in name for name in after)
    counted = {s.name: s.value for m in (metrics.bundles, metrics.pictures) for s in m.collect()[0].samples}
    assert counted == {"dashlight_ingest_pictures_total": 3}


def test_the_public_counters_do_not_tell_when_a_personal_bundle_is_refused(tmp_path):
    with served(tmp_path, look=Suspicious(), recheck_share=1.0) as running:
        spent = running.token(Policy.PERSONAL)
        before = public_counters(running)

        replies = [
            running.put(personal_archive(3, 2009), spent, policy=Policy.PERSONAL),
            running.put(personal_archive(3, 2010), spent),  # Refused before the policy of its token is told.
            running.put(b"nonsense", policy=Policy.PERSONAL),
            running.put(fresh(), "A" * 43),
        ]

        codes = ["readable-plate", "token-spent", "corrupt", "bad-token"]
        assert [problem(reply) for reply in replies] == codes
        assert public_counters(running) == before
        assert problem(running.put(fresh())) == "readable-plate"
        told = {name for name, value in public_counters(running).items() if before.get(name) != value}
    assert told == {
        'dashlight_ingest_refused_bundles_total{kind="PrivacyError"}',
        'dashlight_ingest_rechecked_pictures_total{verdict="readable"}',
    }


def test_what_is_held_for_the_batch_is_told_by_the_batch_alone(own_server):
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry)
    metrics.count_refused("PrivacyError", Policy.PERSONAL)
    metrics.count_refused("Unauthorized", None)
    metrics.count_rechecked(Policy.PERSONAL, is_readable=True)
    metrics.count_idle_look("clean")
    metrics.count_idle_look("clean")
    store, day = own_server.store, made_bundles.START

    def told(now):
        run_due(store.database, store.objects, now=now, hour=3, metrics=metrics)
        text = generate_latest(registry).decode()
        return sorted(line for line in text.splitlines() if "_pictures_total{" in line or "_refused_" in line)

    store.database.write(lambda t: note_batch(t, day_of(day)))
    before, at_the_batch, at_the_next = (told(day + timedelta(days=n)) for n in range(3))

    assert not any("{" in line for line in before)
    assert [line for line in at_the_batch if "{" in line] == [
        'dashlight_ingest_idle_rechecked_pictures_total{verdict="clean"} 2.0',
        'dashlight_ingest_rechecked_pictures_total{verdict="readable"} 1.0',
        'dashlight_ingest_refused_bundles_total{kind="PrivacyError"} 1.0',
        'dashlight_ingest_refused_bundles_total{kind="Unauthorized"} 1.0',
    ]
    assert at_the_next == at_the_batch, "it is told once"


def test_a_personal_picture_is_erased_by_its_secret_after_the_batch(own_server):
    own_server.publish(personal_archive(3, 2003), policy=Policy.PERSONAL)
    publish_staged(own_server.store.database, own_server.store.objects)
    ids = [p["id"] for p in own_server.client.get("/v1/pictures").json()["features"]]
    secret = {"Dashlight-Deletion-Secret": to_base64url(deletion_secret(made_bundles.SEED, 2003, 1))}

    codes = sorted(own_server.client.delete(f"/v1/pictures/{i}", headers=secret).status_code for i in ids)

    assert codes == [204, 401, 401]
    assert len(own_server.client.get("/v1/pictures").json()["features"]) == 2


def test_a_staged_bundle_is_erased_by_its_key(own_server):
    archive = personal_archive(3, 2004)
    own_server.publish(archive, policy=Policy.PERSONAL)
    sha256 = made_bundles.sha256_of(archive)
    signature = to_base64url(sign(bundle_key(made_bundles.SEED, 2004), "forget", sha256.encode()))

    reply = own_server.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})

    assert reply.status_code == 204
    assert list(own_server.store.objects.keys()) == []
    assert publish_staged(own_server.store.database, own_server.store.objects) == 0


def test_a_personal_bundle_sent_again_after_the_batch_is_not_published_twice(own_server):
    archive, token = personal_archive(3, 2005), own_server.token(Policy.PERSONAL)
    first = own_server.put(archive, token)
    publish_staged(own_server.store.database, own_server.store.objects)

    again = own_server.put(archive, token)

    assert (again.status_code, again.content) == (200, first.content)
    assert publish_staged(own_server.store.database, own_server.store.objects) == 0


def test_many_uploads_at_once_all_get_their_receipts(own_server):
    archives = [fresh() for _ in range(12)]
    tokens = own_server.enrol()["tokens"]

    async def put_all():
        turn = asyncio.Semaphore(SETTINGS.max_uploads)
        async with httpx.AsyncClient(base_url=own_server.url, timeout=30, trust_env=False) as client:

            async def put(archive, token):
                headers = {
                    "Authorization": f"Bearer {token}",
                    "Content-Type": MEDIA_TYPE,
                }
                url = f"/v1/bundles/{made_bundles.sha256_of(archive)}"
                async with turn:
                    return await client.put(url, content=archive, headers=headers)

            return await asyncio.gather(*(put(a, t) for a, t in zip(archives, tokens, strict=False)))

    replies = asyncio.run(put_all())

    for archive, reply in zip(archives, replies, strict=True):
        verify_receipt(reply.content, server_key=own_server.server_key, sha256=made_bundles.sha256_of(archive))
    assert own_server.client.get("/v1/instance").json()["pictures"] == 36


def test_two_uploads_of_one_bundle_publish_it_once(own_server):
    archive = fresh()
    tokens = own_server.enrol()["tokens"][:4]

    async def put_all():
        async with httpx.AsyncClient(base_url=own_server.url, timeout=30, trust_env=False) as client:
            url = f"/v1/bundles/{made_bundles.sha256_of(archive)}"
            kind = MEDIA_TYPE
            return await asyncio.gather(
                *(
                    client.put(url, content=archive, headers={"Authorization": f"Bearer {t}", "Content-Type": kind})
                    for t in tokens
                )
            )

    replies = asyncio.run(put_all())

    assert {r.content for r in replies} == {replies[0].content}
    assert own_server.client.get("/v1/instance").json()["pictures"] == 3
    assert len(list(own_server.store.objects.keys())) == 1


def test_nothing_that_is_stored_tells_who_sent_it(own_server):
    invite = own_server.invite()
    asked = {"invite": invite, "policy": "fleet", "license": "CC-BY-SA-4.0"}
    enrolled = own_server.client.post("/v1/enrolments", json=asked).json()
    receipt = own_server.publish(fresh(), enrolled["tokens"][0])
    url = f"/v1/pictures/{receipt.picture_ids[0]}/report"
    own_server.client.post(url, json={"issue": "other", "comment": "a comment"})
    secrets = (invite, enrolled["credential"], *enrolled["tokens"], "127.0.0.1", "python-httpx")

    for name, content in every_file(own_server.folder).items():
        for secret in secrets:
            assert secret.encode() not in content, f"{name} holds {secret}"
            if len(secret) == 43:
                assert from_base64url(secret) not in content, f"{name} holds {secret} in binary"


def test_a_token_cannot_be_traced_to_its_enrolment(own_server):
    own_server.enrol()
    with own_server.store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        tables = dict(tuple(row) for row in rows)
        hashes = connection.exec_driver_sql("SELECT hash FROM token").scalars().all()

    assert "enrolment" not in tables["token"].partition("(")[2]
    assert all("WITHOUT ROWID" in tables[name] for name in ("token", "enrolment", "invite"))
    assert hashes == sorted(hashes), "the order of rows is the order of hashes, not of issue"


def test_one_token_holds_one_place_among_the_uploads(own_server):
    archive, token = fresh(), own_server.token()
    url = f"/v1/bundles/{made_bundles.sha256_of(archive)}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": MEDIA_TYPE}
    running, release = threading.Event(), threading.Event()

    def body():
        yield archive[:100]
        running.set()
        release.wait(20)
        yield archive[100:]

    def first():
        with httpx.Client(base_url=own_server.url, timeout=30, trust_env=False) as client:
            return client.put(url, content=body(), headers=headers)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first)
        running.wait(20)
        while "dashlight_ingest_uploads 1.0" not in own_server.client.get("/metrics").text:
            pass
        second = own_server.put(fresh(), token)
        release.set()
        assert waiting.result().status_code == 201

    assert (second.status_code, problem(second)) == (429, "upload-running")
    assert int(second.headers["retry-after"]) >= 1
