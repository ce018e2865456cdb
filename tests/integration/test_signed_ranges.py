"""Addresses of pictures in the bucket: they open what is signed and nothing else, or a server does not start."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import gateways
import httpx
import made_bundles
import pytest
import s3
from servers import SETTINGS, personal_archive, served

from dashlight.app import build
from dashlight.errors import HostError, Unavailable
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy
from dashlight.store import withdraw
from dashlight.store.bucket import parsed_bucket
from dashlight.store.location_trials import trials
from dashlight.store.locations import REFUSED_S, TRIED_S, Locations, open_locations
from dashlight.store.pictures import ByteRange, find_for_erasure
from dashlight.store.presigning import SigningKey
from dashlight.store.s3 import S3Objects
from dashlight.store.signed_ranges import Signer
from dashlight.wire import bundle_key, deletion_secret, sign, to_base64url

KEY = "bundles/3f/3f00"
CONTENT = bytes(range(256)) * 4
PART = ByteRange(KEY, 100, 50)
LIFETIME_S = 60


class Place:
    """An empty place in the bucket, with one object in it."""

    def __init__(self, server, folder):
        self.url = server.url()
        self.settings = {"objects_url": self.url, "objects_key_id": s3.KEY_ID, "objects_secret": s3.SECRET}
        self.bucket = parsed_bucket(self.url)
        self.objects = S3Objects(self.url, folder / "staging", key_id=s3.KEY_ID, secret=s3.SECRET)
        self.put(KEY)

    def put(self, key):
        staged = self.objects.staging_file()
        staged.write_bytes(CONTENT)
        self.objects.adopt(staged, key)

    def signer(self, endpoint=""):
        bucket = replace(self.bucket, endpoint=endpoint or self.bucket.endpoint)
        return Signer(bucket, SigningKey(s3.KEY_ID, s3.SECRET, bucket.region), LIFETIME_S)

    def signed(self, part=PART, *, late_s=0):
        at = datetime.now(UTC) - timedelta(seconds=late_s)
        return self.signer().signed(part, version=self.objects.version(part.key), at=at)


@pytest.fixture
def place(tmp_path, backends):
    return Place(backends.s3(), tmp_path)


@pytest.fixture
def outside():
    """Return a client that knows no key."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture(params=["sqlite-s3", "postgresql-s3"])
def running(request, tmp_path, backends):
    with served(tmp_path, **backends.settings(request.param), presigned_s=LIFETIME_S) as server:
        yield server


def fetched(client, location):
    return client.get(location["href"], headers=location["headers"])


def numbered(database, picture_id):
    with database.read() as connection:
        return find_for_erasure(connection, UUID(picture_id)).number


# What a signed address opens, at the real store.


def test_the_signed_range_is_served(place, outside):
    signed = place.signed()

    reply = outside.get(signed.href, headers=signed.headers)

    assert reply.status_code == 206
    assert reply.content == CONTENT[100:150]


@pytest.mark.parametrize("asked", ["bytes=100-150", "bytes=99-149", "bytes=0-", "bytes=100-149,0-9", "bytes=-50", ""])
def test_another_range_is_refused(place, outside, asked):
    signed = place.signed()

    reply = outside.get(signed.href, headers={**signed.headers, "Range": asked})

    assert reply.status_code == 403


def test_no_range_is_refused(place, outside):
    signed = place.signed()

    reply = outside.get(signed.href, headers={name: v for name, v in signed.headers.items() if name != "Range"})

    assert reply.status_code == 403


def test_another_key_is_refused(place, outside):
    place.put("bundles/3f/3f01")
    signed = place.signed()

    reply = outside.get(signed.href.replace("3f00", "3f01"), headers=signed.headers)

    assert reply.status_code == 403


def test_an_address_ends(place, outside):
    for late_s, status in ((LIFETIME_S - 30, 206), (LIFETIME_S + 2, 403)):
        signed = place.signed(late_s=late_s)

        assert outside.get(signed.href, headers=signed.headers).status_code == status, late_s


def test_an_address_opens_nothing_but_reading(place, outside):
    signed = place.signed()

    for method in ("PUT", "DELETE", "POST"):
        assert outside.request(method, signed.href, headers=signed.headers).status_code in (403, 405), method

    assert place.objects.read(KEY, 0, len(CONTENT)) == CONTENT


def test_everything_that_is_tried_is_refused(place, outside):
    signed = place.signed()
    place.put("bundles/3f/3f01")

    statuses = {
        trial.what: outside.get(trial.href, headers=list(trial.headers)).status_code
        for trial in trials(place.signer(), signed, PART, other_key="bundles/3f/3f01", at=datetime.now(UTC))
    }

    assert set(statuses.values()) == {403}, statuses


def test_an_address_opens_nothing_once_any_part_of_the_object_was_erased(place, outside):
    signed = place.signed()

    place.objects.zero(KEY, [(900, 10)])

    assert outside.get(signed.href, headers=signed.headers).status_code == 412


# What a server does before it gives addresses out.


def test_a_trial_leaves_nothing_in_the_bucket(place, tmp_path):
    Locations(place.objects, place.signer()).check()

    left = [entry["path"] for page in place.objects._store.list() for entry in page]
    assert left == [KEY]
    assert not list((tmp_path / "staging").iterdir())


def test_a_strict_gateway_passes(place):
    with gateways.gateway(place.objects, place.bucket.prefix) as strict:
        Locations(place.objects, place.signer(strict.endpoint)).check()


@pytest.mark.parametrize("flaw", gateways.FLAWS)
def test_a_careless_gateway_is_found_out(place, flaw):
    with gateways.gateway(place.objects, place.bucket.prefix, flaw) as careless:
        locations = Locations(place.objects, place.signer(careless.endpoint))

        with pytest.raises(HostError, match="does not keep to what is signed") as refused:
            locations.check()

    assert refused.value.code == "presigned"


@pytest.mark.parametrize("flaw", ["cache", "version"])
def test_a_server_does_not_start_before_a_careless_gateway(place, tmp_path, flaw):
    with gateways.gateway(place.objects, place.bucket.prefix, flaw) as careless:
        chosen = replace(SETTINGS, **place.settings, presigned_s=5, presigned_endpoint=careless.endpoint)

        with pytest.raises(HostError, match="does not keep to what is signed"):
            build(chosen, tmp_path)


def test_a_server_does_not_start_when_readers_would_find_nothing(place, tmp_path):
    for endpoint, raised in (("http://127.0.0.1:1", Unavailable), (f"{place.bucket.endpoint}/elsewhere", HostError)):
        chosen = replace(SETTINGS, **place.settings, presigned_s=5, presigned_endpoint=endpoint)

        with pytest.raises(raised):
            open_locations(tmp_path, chosen)


def test_a_clock_that_is_ahead_is_found_out(place):
    ahead = Locations(place.objects, place.signer(), now=lambda: datetime.now(UTC) + timedelta(seconds=200))

    with pytest.raises(HostError, match="an address that has ended"):
        ahead.check()


def test_a_store_that_becomes_careless_is_left_within_the_hour(place):
    now_s = [0.0]
    with gateways.gateway(place.objects, place.bucket.prefix) as strict:
        locations = Locations(place.objects, place.signer(strict.endpoint), now_s=lambda: now_s[0])
        locations.location(PART)
        tried, strict.flaw = strict.asked, "cache"
        now_s[0] = TRIED_S - 1
        locations.location(PART)
        assert strict.asked == tried
        now_s[0] = TRIED_S
        for _ in range(2):
            with pytest.raises(Unavailable) as refused:
                locations.location(PART)
        assert refused.value.code == "locations-off"
        strict.flaw = None
        now_s[0] += REFUSED_S
        assert locations.location(PART).headers["Range"] == "bytes=100-149"


# What readers get of a server.


def test_a_reader_fetches_a_picture_and_its_thumbnail_from_the_bucket(running, outside):
    picture_id = str(running.publish(made_bundles.archive(3)).picture_ids[1])

    for size, name in (("full", "picture.jpg"), ("thumbnail", "thumb.jpg")):
        reply = running.client.get(f"/v1/pictures/{picture_id}/location", params={"size": size})
        here = running.client.get(f"/v1/pictures/{picture_id}/{name}")
        there = fetched(outside, reply.json())

        assert reply.status_code == 200
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.json()["method"] == "GET"
        assert (there.status_code, there.content) == (206, here.content)
        left_s = datetime.fromisoformat(reply.json()["expires"]).timestamp() - time.time()
        assert 0 < left_s <= LIFETIME_S
    assert running.client.get(f"/v1/pictures/{picture_id}/location").json()["headers"].keys() == {
        "Range",
        "If-Match",
        "If-Range",
    }


def test_an_address_does_not_outlive_an_erasure(running, outside):
    receipt = running.publish(made_bundles.archive(3))
    ids = [str(each) for each in receipt.picture_ids]
    before = [running.client.get(f"/v1/pictures/{each}/location").json() for each in ids]
    secret = to_base64url(deletion_secret(made_bundles.SEED, 1, 0))

    erased = running.client.delete(f"/v1/pictures/{ids[0]}", headers={"Dashlight-Deletion-Secret": secret})

    assert erased.status_code == 204
    assert [fetched(outside, each).status_code for each in before] == [412, 412, 412]
    assert running.client.get(f"/v1/pictures/{ids[0]}/location").status_code == 410
    again = running.client.get(f"/v1/pictures/{ids[1]}/location").json()
    assert fetched(outside, again).content == running.client.get(f"/v1/pictures/{ids[1]}/picture.jpg").content


def test_an_address_does_not_outlive_a_bundle(running, outside):
    archive = made_bundles.archive(2)
    picture_id = running.publish(archive).picture_ids[0]
    before = running.client.get(f"/v1/pictures/{picture_id}/location").json()
    sha256 = made_bundles.sha256_of(archive)
    signature = to_base64url(sign(bundle_key(made_bundles.SEED, 1), "forget", sha256.encode()))

    reply = running.client.delete(f"/v1/bundles/{sha256}", headers={"Dashlight-Signature": signature})

    assert reply.status_code == 204
    assert fetched(outside, before).status_code == 404


def test_a_hidden_picture_has_no_address(running):
    picture_id = str(running.publish(made_bundles.archive(1)).picture_ids[0])
    database = running.store.database

    database.write(lambda t: withdraw.hide(t, numbered(database, picture_id)))

    assert running.client.get(f"/v1/pictures/{picture_id}/location").status_code == 410


def test_a_personal_picture_has_no_address(running):
    running.publish(personal_archive(3, 1), policy=Policy.PERSONAL)
    publish_staged(running.store.database, running.store.objects)
    found = running.client.get("/v1/pictures", params={"policy": "personal"}).json()["features"]

    replies = [running.client.get(f"/v1/pictures/{each['id']}/location") for each in found]

    assert len(replies) == 3
    for reply in replies:
        assert reply.status_code == 404
        assert reply.json()["type"].endswith("/no-location")
        assert "personal/" not in reply.text


@pytest.mark.parametrize("size", ["", "FULL", "thumb", "full&size=0x0", "\0"])
def test_a_size_that_is_none_is_refused(running, size):
    reply = running.client.get(f"/v1/pictures/{uuid4()}/location", params={"size": size})

    assert reply.status_code == 400
    assert "size" in reply.json()["detail"]


def test_what_is_no_picture_has_no_address(running):
    assert running.client.get(f"/v1/pictures/{uuid4()}/location").json()["type"].endswith("/no-picture")
    assert running.client.get("/v1/pictures/all/location").status_code == 400


@pytest.mark.parametrize("pair", ["sqlite-folder", "sqlite-s3"])
def test_nobody_gets_an_address_unless_the_operator_says_so(tmp_path, backends, pair):
    with served(tmp_path, **backends.settings(pair)) as server:
        picture_id = str(server.publish(made_bundles.archive(1)).picture_ids[0])

        reply = server.client.get(f"/v1/pictures/{picture_id}/location")

    assert reply.status_code == 404
    assert reply.json()["type"].endswith("/no-locations")
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_openapi_describes_it(running):
    described = running.client.get("/v1/openapi.json").json()["paths"]["/v1/pictures/{picture_id}/location"]["get"]

    assert {"200", "400", "404", "410", "503"} <= described["responses"].keys()
