"""The look at published pictures while nobody uploads."""

import asyncio
import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from random import Random

import cv2
import made_bundles
import numpy as np
import pytest
import simplejpeg
from servers import personal_archive, served

from dashlight.ingest.personal import publish_staged
from dashlight.ingest.recheck import Readable
from dashlight.model import Policy, RedactedPicture, day_of, thumbnail_size_of
from dashlight.model.frame import _SEAL
from dashlight.store import reports
from dashlight.store.moderated import Decision, Ruling
from dashlight.store.pictures import draw_picture
from dashlight.vision.weights import default_folder
from dashlight.wire import BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle, to_base64url

SOON_S = 0.05
PATIENCE_S = 120
HAS_WEIGHTS = all((default_folder() / f"{n}.onnx").exists() for n in ("centerface", "text_det", "plate_net", "nanodet"))


class Finding:
    """A look that finds a plate in one picture."""

    def __init__(self, jpeg):
        self.jpeg = jpeg
        self.has_looked_on = threading.Event()
        self.has_found = False

    async def readable(self, jpeg, _redactions, _thumbnail):
        if self.has_found:
            self.has_looked_on.set()
        if jpeg != self.jpeg:
            return ()
        self.has_found = True
        return (Readable("plate", (10.4, 20.0, 90.0, 40.0)),)

    async def close(self):
        pass


class Objecting:
    """A look that finds a plate in every picture, as one with broken weights might."""

    async def readable(self, _jpeg, _redactions, _thumbnail):
        return (Readable("plate", (10.4, 20.0, 90.0, 40.0)),)

    async def close(self):
        pass


class Heard(logging.Handler):
    """Is set once a message was logged."""

    def __init__(self, message):
        super().__init__()
        self.message = message
        self.is_told = threading.Event()

    def emit(self, record):
        if record.getMessage() == self.message:
            self.is_told.set()


class Endless:
    """A look that takes for ever, and says when it is ended."""

    def __init__(self):
        self.began = threading.Event()
        self.ended = threading.Event()
        self.closed = threading.Event()

    async def readable(self, _jpeg, _redactions, _thumbnail):
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended.set()
            raise

    async def close(self):
        self.closed.set()


def gone_from(store):
    """Return an event that is set once a picture is gone from the map."""
    gone = threading.Event()

    def listen(change):
        if any(event.kind == "gone" for event in change.events):
            gone.set()

    store.database.listen(listen)
    return gone


def metrics_of(running):
    text = running.client.get("/metrics").text
    return [line for line in text.splitlines() if line.startswith("dashlight_ingest_idle")]


def numbers_of(running, ids):
    with running.store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT id, number FROM picture").all()
    numbers = {row.id.hex(): row.number for row in rows}
    return [numbers[each.replace("-", "")] for each in ids]


def drawn_from(running, *, policies=(Policy.FLEET, Policy.OPEN), draws=2_000):
    random = Random(7)
    with running.store.database.read() as connection:
        found = [draw_picture(connection, policies=policies, random=random) for _ in range(draws)]
    return Counter(None if each is None else each.number for each in found)


def test_a_readable_picture_is_hidden_and_waits_for_the_operator(tmp_path, caplog):
    look = Finding(made_bundles.jpeg(64, 36, 1))
    with served(tmp_path, idle_look=look, recheck_idle_s=SOON_S) as running:
        gone = gone_from(running.store)
        first, found, last = running.publish(made_bundles.archive(3)).picture_ids

        assert gone.wait(PATIENCE_S)
        assert look.has_looked_on.wait(PATIENCE_S)

        codes = [running.client.get(f"/v1/pictures/{i}/picture.jpg").status_code for i in (first, found, last)]
        assert codes == [200, 410, 200]
        assert running.client.get("/v1/instance").json()["pictures"] == 2
        with running.store.database.read() as connection:
            (waiting,) = reports.waiting(connection)
        assert (str(waiting.picture_id), waiting.is_hidden, waiting.issues) == (found, True, ("recheck",))
        assert waiting.comments == ("plate at 10, 20, 90, 40",)
        assert metrics_of(running) == [], "verdicts are told in the daily batch"
    said = [r for r in caplog.records if r.getMessage() == "recheck.hidden"]
    assert [(r.kind, "lon" in vars(r), found in str(vars(r))) for r in said] == [("plate", False, False)]


def test_a_look_that_objects_to_everything_does_not_blank_the_map(tmp_path):
    heard = Heard("recheck.bound")
    logging.getLogger("dashlight.ingest").addHandler(heard)
    try:
        with served(tmp_path, idle_look=Objecting(), recheck_idle_s=SOON_S) as running:
            ids = running.publish(made_bundles.archive(9)).picture_ids
            assert heard.is_told.wait(PATIENCE_S)

            assert [running.client.get(f"/v1/pictures/{i}").status_code for i in ids].count(410) == 5
            database, today = running.store.database, day_of(datetime.now(UTC))
            with database.read() as connection:
                first = reports.waiting(connection)[0].picture_id
            heard.is_told.clear()
            database.write(lambda t: reports.decide(t, first, Ruling(Decision.RESTORE), day=today))
            reports.carry_out(database, running.store.objects)
            assert heard.is_told.wait(PATIENCE_S), "it goes on when the operator has decided"
            codes = {i: running.client.get(f"/v1/pictures/{i}").status_code for i in ids}
            assert (codes[str(first)], list(codes.values()).count(410)) == (200, 5)
    finally:
        logging.getLogger("dashlight.ingest").removeHandler(heard)


def test_reports_that_fill_the_queue_do_not_keep_a_readable_picture_on_the_map(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "MOST_REPORTS", 1)
    look = Finding(made_bundles.jpeg(64, 36, 1))
    with served(tmp_path) as running:
        ids = running.publish(made_bundles.archive(3)).picture_ids
        assert running.client.post(f"/v1/pictures/{ids[0]}/report", json={"issue": "other"}).status_code < 300
    with served(tmp_path, idle_look=look, recheck_idle_s=SOON_S) as running:
        assert look.has_looked_on.wait(PATIENCE_S)

        assert running.client.get(f"/v1/pictures/{ids[1]}").status_code == 410


def test_an_upload_ends_the_look_at_once_and_is_not_kept_waiting(tmp_path):
    look = Endless()
    with served(tmp_path, idle_look=look, recheck_idle_s=SOON_S) as running:
        running.publish(made_bundles.archive(1))
        assert look.began.wait(PATIENCE_S)
        look.closed.clear()

        running.publish(made_bundles.archive(1, bundle_number=2))

        assert look.ended.wait(PATIENCE_S)
        assert look.closed.wait(PATIENCE_S)


def test_a_stop_ends_the_look(tmp_path):
    look = Endless()
    with served(tmp_path, idle_look=look, recheck_idle_s=SOON_S) as running:
        running.publish(made_bundles.archive(1))
        assert look.began.wait(PATIENCE_S)

    assert look.ended.is_set()


def test_every_shown_picture_is_as_likely_as_any_other_and_no_other_is_drawn(tmp_path):
    with served(tmp_path) as running:
        running.publish(personal_archive(3, 3001), policy=Policy.PERSONAL)
        publish_staged(running.store.database, running.store.objects)
        ids = running.publish(made_bundles.archive(12)).picture_ids
        running.client.post(f"/v1/pictures/{ids[3]}/report", json={"issue": "privacy"})
        secret = deletion_secret(made_bundles.SEED, 1, 5)
        erased = running.client.delete(
            f"/v1/pictures/{ids[5]}", headers={"Dashlight-Deletion-Secret": to_base64url(secret)}
        )
        assert erased.status_code == 204

        drawn = drawn_from(running)

        shown = numbers_of(running, [i for n, i in enumerate(ids) if n not in (3, 5)])
        assert set(drawn) == set(shown)
        assert all(130 < count < 270 for count in drawn.values()), drawn
        assert set(drawn_from(running, policies=(Policy.OPEN,), draws=5)) == {None}


def test_a_picture_that_the_operator_put_back_is_left_alone_until_it_is_erased(tmp_path):
    with served(tmp_path) as running:
        ids = running.publish(made_bundles.archive(2)).picture_ids
        kept, restored = numbers_of(running, ids)
        database, objects = running.store.database, running.store.objects
        for _ in range(2):  # The second time it is known already.
            running.client.post(f"/v1/pictures/{ids[1]}/report", json={"issue": "privacy"})
            with database.read() as connection:
                (waiting,) = reports.waiting(connection)
            database.write(
                lambda t, each=waiting.picture_id: reports.decide(t, each, Ruling(Decision.RESTORE), day=20_000)
            )
            assert reports.carry_out(database, objects) == 1

        assert running.client.get(f"/v1/pictures/{ids[1]}").status_code == 200
        assert set(drawn_from(running, draws=100)) == {kept}
        secret = deletion_secret(made_bundles.SEED, 1, 1)
        running.client.delete(f"/v1/pictures/{ids[1]}", headers={"Dashlight-Deletion-Secret": to_base64url(secret)})
        with database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM cleared").scalar() == 0
        assert restored not in drawn_from(running, draws=100)


def test_nothing_is_looked_at_without_pictures_or_when_it_is_switched_off(tmp_path):
    look = Endless()
    with served(tmp_path, idle_look=look, recheck_idle_s=SOON_S):
        assert look.closed.wait(PATIENCE_S)  # It drew, found no picture, and waits again.

    off = Endless()
    with served(tmp_path, idle_look=off, recheck_idle_s=0.0) as running:
        running.publish(made_bundles.archive(1))

    assert not look.began.is_set()
    assert not off.began.is_set()


def test_a_damaged_picture_is_passed_over(tmp_path):
    look = Finding(made_bundles.jpeg(64, 36, 1))
    with served(tmp_path) as running:
        damaged = running.publish(made_bundles.archive(1)).picture_ids[0]
        (key,) = running.store.objects.keys()
        sound = running.publish(made_bundles.archive(2, bundle_number=2)).picture_ids
        running.store.objects.remove(key)
    with served(tmp_path, idle_look=look, recheck_idle_s=SOON_S) as running:
        assert look.has_looked_on.wait(PATIENCE_S)

        codes = [running.client.get(f"/v1/pictures/{i}").status_code for i in (damaged, *sound)]

    assert codes == [200, 200, 410]


def picture_with_a_plate():
    """Return a picture as an edge whose redactor missed a plate would send it."""
    pixels = np.full((720, 1280, 3), 110, np.uint8)
    pixels[200:560, 400:880] = 60
    pixels[410:450, 545:735] = 238
    cv2.putText(pixels, "B 52 CNW", (556, 442), cv2.FONT_HERSHEY_DUPLEX, 1.1, (15, 15, 15), 2, cv2.LINE_AA)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 0.7)
    small = thumbnail_size_of((1280, 720))

    def encoded(picture):
        return simplejpeg.encode_jpeg(picture, quality=90, colorspace="RGB", colorsubsampling="420")

    thumbnail = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return RedactedPicture(encoded(pixels), encoded(thumbnail), 1280, 720, *small, (), _SEAL)


@pytest.mark.skipif(not HAS_WEIGHTS, reason="run `make vendor` for the detectors' weights")
def test_the_real_detectors_take_a_plate_off_the_map(tmp_path):
    claims = [made_bundles.bundled(n).claim for n in range(2)]
    commitments = [deletion_commitment(deletion_secret(made_bundles.SEED, 1, n)) for n in range(2)]
    pictures = [made_bundles.redacted(90, width=1280, height=720), picture_with_a_plate()]
    archive = encode_bundle(
        [BundlePicture(*each) for each in zip(pictures, claims, commitments, strict=True)],
        bundle_key(made_bundles.SEED, 1),
        policy=Policy.FLEET,
        license_id="CC-BY-SA-4.0",
        sequence=made_bundles.SEQUENCE,
    )
    with served(tmp_path, recheck_idle_s=SOON_S) as running:
        gone = gone_from(running.store)

        clean, readable = running.publish(archive).picture_ids

        assert gone.wait(PATIENCE_S)
        assert [running.client.get(f"/v1/pictures/{i}").status_code for i in (clean, readable)] == [200, 410]
        with running.store.database.read() as connection:
            (waiting,) = reports.waiting(connection)
        assert waiting.issues == ("recheck",)
        assert waiting.comments[0].startswith("plate at ")
