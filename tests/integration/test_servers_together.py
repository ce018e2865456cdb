"""Several servers on one PostgreSQL database and one bucket: they are one instance."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import httpx
import made_bundles
import pytest
from derived_rows import check
from servers import personal_archive, served
from stores import wait_for_first_batch

from dashlight.config import ServerSettings
from dashlight.errors import Corrupt
from dashlight.ingest.personal import publish_staged
from dashlight.ingest.worker import run_due
from dashlight.model import LonLat, Policy, tile_xy
from dashlight.store import bundles
from dashlight.store.upkeep import open_store


@pytest.fixture
def settings(tmp_path, backends):
    key = tmp_path / "server.key"
    key.write_bytes(bytes(range(32)))
    return {**backends.settings("postgresql-s3"), "key_file": key}


@pytest.fixture
def pair(tmp_path, settings):
    with ExitStack() as stack:
        yield [stack.enter_context(served(tmp_path / name, **settings)) for name in ("one", "two")]


class Stream(threading.Thread):
    """Reads `/live` of one server."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.events = []
        self._news = threading.Condition()
        self._is_open = threading.Event()
        self._url = server.url + "/live"
        self.start()
        assert self._is_open.wait(20)

    def run(self):
        with httpx.Client(trust_env=False, timeout=30) as client, client.stream("GET", self._url) as reply:
            cursor = kind = None
            for line in reply.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    cursor = int(value)
                elif name == "event":
                    kind = value
                elif name == "data" and kind == "hello":
                    self._is_open.set()
                elif name == "data":
                    with self._news:
                        self.events.append((cursor, kind))
                        self._news.notify_all()

    def wait_for(self, count):
        with self._news:
            assert self._news.wait_for(lambda: len(self.events) >= count, timeout=20), self.events
            return list(self.events)


def tile_url(server, receipt):
    lon, lat = server.client.get(f"/v1/pictures/{receipt.picture_ids[0]}").json()["geometry"]["coordinates"]
    x, y = tile_xy(LonLat(lon, lat), 14)
    return f"/v1/tiles/14/{x}/{y}.mvt"


def settled(server, url, is_wanted):
    """Return a reply once what another server did has come through; each look is a request."""
    for _ in range(2_000):
        reply = server.client.get(url)
        if is_wanted(reply):
            return reply
    raise AssertionError(reply.status_code)


def test_what_one_takes_in_all_show_and_tell(pair):
    one, two = pair
    stream = Stream(two)
    first = one.publish(made_bundles.archive(2, bundle_number=1))
    url = tile_url(two, first)
    before = settled(two, url, lambda reply: reply.status_code == 200)

    second = one.publish(made_bundles.archive(3, bundle_number=2))

    assert stream.wait_for(5) == [(n, "picture") for n in range(1, 6)]
    after = settled(two, url, lambda reply: len(reply.content) > len(before.content))
    assert after.content == one.client.get(url).content
    for receipt in (first, second):
        for picture in receipt.picture_ids:
            assert two.client.get(f"/v1/pictures/{picture}/picture.jpg").status_code == 200


def test_what_one_hides_no_other_shows(pair):
    one, two = pair
    receipt = one.publish(made_bundles.archive(1, bundle_number=3))
    url = tile_url(two, receipt)
    settled(two, url, lambda reply: reply.status_code == 200)

    one.client.post(f"/v1/pictures/{receipt.picture_ids[0]}/report", json={"issue": "privacy"})

    settled(two, url, lambda reply: reply.status_code == 204)
    assert two.client.get(f"/v1/pictures/{receipt.picture_ids[0]}").status_code == 410


def test_bundles_that_come_to_all_at_once_are_all_there_once_and_told_in_order(pair):
    streams = [Stream(server) for server in pair]
    archives = [made_bundles.archive(5, bundle_number=100 + n) for n in range(12)]
    tokens = [pair[0].token() for _ in archives]

    def send(n):
        reply = pair[n % 2].put(archives[n], tokens[n])
        assert reply.status_code == 201, reply.text
        again = pair[1 - n % 2].put(archives[n], tokens[n])
        assert again.status_code == 200, again.text
        assert again.content == reply.content
        return reply.json()["picture_ids"]

    with ThreadPoolExecutor(4) as pool:
        ids = [i for found in pool.map(send, range(len(archives))) for i in found]

    assert len(set(ids)) == 60
    for stream in streams:
        assert [cursor for cursor, _ in stream.wait_for(60)] == list(range(1, 61))
    check(pair[0].store.database)
    with pair[0].store.database.read() as connection:
        assert bundles.object_keys(connection) == set(pair[0].store.objects.keys())


def test_one_token_pays_for_one_bundle_wherever_it_is_shown(pair):
    token = pair[0].token()
    archives = [made_bundles.archive(1, bundle_number=200 + n) for n in range(2)]

    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda n: pair[n].put(archives[n], token), range(2)))

    assert sorted(reply.status_code for reply in replies) == [201, 409]
    assert sum(server.client.get("/v1/instance").json()["pictures"] == 1 for server in pair) >= 1


def test_the_batch_is_made_once(pair):
    wait_for_first_batch(pair[0])
    for number in range(4):
        pair[number % 2].publish(personal_archive(3, 3000 + number), policy=Policy.PERSONAL)

    with ThreadPoolExecutor(4) as pool:
        published = list(
            pool.map(
                lambda n: run_due(
                    pair[n % 2].store.database,
                    pair[n % 2].store.objects,
                    now=made_bundles.START + timedelta(days=2),
                    hour=3,
                ),
                range(4),
            )
        )

    assert sum(published) + publish_staged(pair[0].store.database, pair[0].store.objects) == 12
    page = pair[1].client.get("/v1/pictures?limit=50").json()["features"]
    assert len({feature["id"] for feature in page}) == 12
    check(pair[0].store.database)


@pytest.mark.usefixtures("pair")
def test_a_server_with_another_key_is_kept_out(tmp_path, settings):
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))

    with pytest.raises(Corrupt, match="not the one of the servers"):
        open_store(tmp_path / "three", ServerSettings(**{**settings, "key_file": other}))


def test_a_start_beside_others_leaves_what_they_write_alone(tmp_path, settings, pair):
    objects = pair[0].store.objects
    staged = objects.staging_file()
    staged.write_bytes(b"a bundle whose row is still to come")
    objects.adopt(staged, "bundles/aa/aaaa")

    with served(tmp_path / "three", **settings):
        pass

    assert list(objects.keys()) == ["bundles/aa/aaaa"]


def test_rows_do_not_tell_for_longer_than_a_day_which_came_together(pair):
    for server in (*pair, *pair):
        server.enrol()
    with pair[0].store.database.read() as connection:
        before = connection.exec_driver_sql("SELECT count(DISTINCT xmin::text) FROM token").scalar_one()

    pair[1].store.database.forget_order()

    with pair[0].store.database.read() as connection:
        after = connection.exec_driver_sql("SELECT count(DISTINCT xmin::text) FROM token").scalar_one()
        lying = connection.exec_driver_sql("SELECT hash FROM token ORDER BY ctid").scalars().all()
    assert (before, after) == (4, 1)
    assert lying == sorted(lying)
    assert len(lying) == 80
