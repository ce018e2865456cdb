"""A script that reports everything, from many addresses, for long, or with a street in mind: the map stays."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import made_bundles
import pytest
import sqlalchemy as sa
from servers import CleanLook, served

from dashlight.catalog.reports import Budgets, Issue, Report, file_report
from dashlight.ingest.recheck import Readable
from dashlight.ingest.reported_look import ReportedLook
from dashlight.model import PictureClaim, day_of, destination
from dashlight.store import reports, schema
from dashlight.store.moderated import HIDING, Decision, Reason, Ruling
from dashlight.store.upkeep import open_store
from dashlight.wire import BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle

EVERYTHING = 300


def address(number):
    return f"{11 + number // 65_000}.{number // 250 % 250}.{number % 250}.7"


def shown(running):
    return running.client.get("/v1/instance").json()["pictures"]


def report(running, picture, number, issue="privacy"):
    return running.client.post(
        f"/v1/pictures/{picture}/report",
        json={"issue": issue, "comment": f"flood {number}"},
        headers={"X-Forwarded-For": address(number)},
    )


def restore_all(database):
    day = day_of(datetime.now(UTC))
    with database.read() as connection:
        ids = [each.picture_id for each in reports.waiting(connection) if each.is_hidden]
    ruling = Ruling(Decision.RESTORE, Reason.FLOOD)
    for each in ids:
        database.write(lambda t, each=each: reports.decide(t, each, ruling, day=day))
    return ids


def village(count, bundle_number=1):
    """Return a bundle of pictures 60 m apart: some 18 km of road."""
    pictures = []
    for n in range(count):
        captured = made_bundles.START + timedelta(seconds=4 * n)
        claim = PictureClaim(destination(made_bundles.HERE, 90.0, 60.0 * n), captured, 90.0, 3.5)
        commitment = deletion_commitment(deletion_secret(made_bundles.SEED, bundle_number, n))
        pictures.append(BundlePicture(made_bundles.redacted(n % 200), claim, commitment))
    key = bundle_key(made_bundles.SEED, bundle_number)
    sequence = UUID(int=bundle_number, version=4)
    return encode_bundle(pictures, key, policy="fleet", license_id="CC-BY-SA-4.0", sequence=sequence)


@pytest.fixture
def store(tmp_path):
    """A library of 300 pictures along a road, and no server: the hours pass as the test says."""
    with served(tmp_path) as running:
        pictures = running.publish(village(EVERYTHING)).picture_ids
    opened = open_store(tmp_path)
    yield opened.database, opened.objects, pictures
    opened.database.close()


def held(database):
    with database.read() as connection:
        return reports.count_held(connection, HIDING)


def test_reporting_everything_from_as_many_addresses_leaves_the_map(tmp_path):
    with served(tmp_path, trusted_proxy="127.0.0.1") as running:
        pictures = running.publish(village(EVERYTHING)).picture_ids

        replies = [report(running, picture, n) for n, picture in enumerate(pictures)]

        assert {reply.status_code for reply in replies} == {202}
        assert sum(reply.json()["hidden"] for reply in replies) == 20
        assert shown(running) == EVERYTHING - 20
        with running.store.database.read() as connection:
            assert len(reports.queue(connection, urgent=HIDING)) == EVERYTHING


def test_a_week_of_reports_hides_no_more(store):
    database, _, pictures = store
    clock = [0.0]
    budgets = Budgets(together=600, each=20, now_s=lambda: clock[0])
    left, sent = list(pictures), 0

    for _ in range(42):
        clock[0] += 4 * 3_600.0
        for picture in left[:8]:
            told = Report(UUID(picture), Issue.PRIVACY, "", address(sent))
            if file_report(database, budgets, told, shown=EVERYTHING - held(database)):
                left.remove(picture)
            sent += 1

    assert held(database) == 20


def test_what_the_operator_put_back_stays_and_the_script_gets_no_further(store):
    database, objects, pictures = store
    hidden_ever = set()
    for round_ in range(2):
        budgets = Budgets(together=600, each=20)
        for n, picture in enumerate(pictures[:100]):
            told = Report(UUID(picture), Issue.PRIVACY, "", address(n + 1_000 * round_))
            is_hidden = file_report(database, budgets, told, shown=EVERYTHING - held(database))
            if is_hidden:
                assert picture not in hidden_ever
                hidden_ever.add(picture)
        assert len(restore_all(database)) == 20
        reports.carry_out(database, objects)

    assert held(database) == 0
    assert len(hidden_ever) == 40


def test_a_street_cannot_be_made_to_vanish(tmp_path):
    with served(tmp_path, trusted_proxy="127.0.0.1") as running:
        running.publish(village(EVERYTHING))
        street = running.publish(made_bundles.archive(60, bundle_number=2)).picture_ids  # 300 m of one street.

        hidden = [report(running, picture, n).json()["hidden"] for n, picture in enumerate(street)]

        assert sum(hidden) <= 20
        gone = [n for n, is_hidden in enumerate(hidden) if is_hidden]
        with running.store.database.read() as connection:
            rows = connection.execute(sa.select(schema.picture.c.h3_r15, schema.picture.c.state)).all()
        assert len(rows) == EVERYTHING + 60
        assert len(gone) < 60 / 2


def test_the_queue_does_not_grow_with_the_same_picture_again_and_again(tmp_path):
    with served(tmp_path, trusted_proxy="127.0.0.1") as running:
        (picture,) = running.publish(made_bundles.archive(1)).picture_ids

        codes = {report(running, picture, n, issue="other").status_code for n in range(100)}

        assert codes == {202}
        with running.store.database.read() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(schema.report)).scalar_one()
        assert count == reports.MOST_OF_A_PICTURE


class Finding(CleanLook):
    """A look that finds a face in one picture."""

    def __init__(self, jpeg):
        self.jpeg = jpeg
        self.looked = []

    async def readable(self, jpeg, _redactions, _thumbnail):
        self.looked.append(jpeg)
        return (Readable("face", (1.0, 1.0, 9.0, 9.0)),) if jpeg == self.jpeg else ()


def test_in_a_flood_a_picture_that_shows_a_face_is_hidden_all_the_same(tmp_path):
    with served(tmp_path, trusted_proxy="127.0.0.1") as running:
        pictures = running.publish(made_bundles.archive(80)).picture_ids
        for n, picture in enumerate(pictures[:-1]):
            report(running, picture, n)
        victim = pictures[-1]
        assert report(running, victim, 5_000).json() == {"hidden": False}
        jpeg = running.client.get(f"/v1/pictures/{victim}/picture.jpg").content
        database, objects = running.store.database, running.store.objects
        look = Finding(jpeg)
        watching = ReportedLook(database, objects, look, pause_s=0.01, cpu_share=1.0)

        with database.read() as connection:
            waiting = len(reports.shown_though_reported(connection, HIDING))
        asyncio.run(_until(watching, lambda: len(look.looked) >= waiting))

        assert len(look.looked) == waiting  # Each once, while its report waits.
        assert running.client.get(f"/v1/pictures/{victim}").status_code == 410
        with database.read() as connection:
            found = reports.find_waiting(connection, UUID(victim))
        assert found.issues == ("privacy", "recheck")
        assert shown(running) == 80 - held(database)


async def _until(watching, condition):
    stop = asyncio.Event()
    task = asyncio.create_task(watching.run(stop))
    for _ in range(6_000):
        if condition():
            break
        await asyncio.sleep(0.01)
    stop.set()
    await task


class Endless(CleanLook):
    """A look that never ends by itself."""

    def __init__(self):
        self.began = threading.Event()

    async def readable(self, _jpeg, _redactions, _thumbnail):
        self.began.set()
        await asyncio.Event().wait()


def test_a_stop_does_not_wait_for_the_look(tmp_path):
    with served(tmp_path, reports_per_sender=1) as running:
        pictures = running.publish(made_bundles.archive(4)).picture_ids
        for picture in pictures[:2]:
            running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"})
        look = Endless()
        watching = ReportedLook(running.store.database, running.store.objects, look)

        asyncio.run(asyncio.wait_for(_until(watching, look.began.is_set), 30))
