import asyncio
import os
import subprocess
import sys
from pathlib import Path

import cv2
import made_bundles
import numpy as np
import pytest
import simplejpeg

from dashlight.errors import Corrupt, Unavailable
from dashlight.ingest.recheck import IDLE_COMMAND, ProcessLook
from dashlight.ingest.worker import is_batch_due
from dashlight.vision.weights import default_folder

HAS_WEIGHTS = all((default_folder() / f"{n}.onnx").exists() for n in ("centerface", "text_det", "plate_net", "nanodet"))
needs_weights = pytest.mark.skipif(not HAS_WEIGHTS, reason="run `make vendor` for the detectors' weights")


def look(script, timeout_s=5.0):
    return ProcessLook(timeout_s=timeout_s, command=(sys.executable, "-c", script))


def asked(a_look, jpeg=b"x"):
    async def ask():
        try:
            return await a_look.readable(jpeg, (), b"")
        finally:
            await a_look.close()

    return asyncio.run(ask())


ECHO = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin.buffer:
    sys.stdin.buffer.read(json.loads(line)["size_bytes"])
    print('%s', flush=True)
    %s
"""


def test_a_clean_verdict_is_clean():
    assert asked(look(ECHO % ('{"readable": []}', ""))) == ()


def test_what_can_be_read_is_told():
    (found,) = asked(look(ECHO % ('{"readable": [["plate", 1, 2, 3, 4]]}', "")))

    assert (found.kind, found.bbox_xyxy) == ("plate", (1, 2, 3, 4))


def test_a_picture_that_cannot_be_decoded_is_corrupt():
    with pytest.raises(Corrupt):
        asked(look(ECHO % ('{"corrupt": "no JPEG"}', "")))


@pytest.mark.parametrize(
    "script",
    [
        "",
        "raise SystemExit(7)",
        "print('nonsense', flush=True)",
        "print('[]', flush=True)",
        ECHO % ("{", ""),
        "import json\nprint(json.dumps({'ready': True}), flush=True)\ninput()\nraise SystemExit",
    ],
)
def test_a_process_that_does_not_answer_lets_nothing_in(script):
    with pytest.raises(Unavailable) as caught:
        asked(look(script))

    assert caught.value.code == "recheck-unavailable"


def test_a_process_that_crashes_is_logged_by_kind_and_place_and_not_by_what_it_was_asked(caplog):
    script = "def load(name):\n    raise LookupError(name)\nload('ada-lovelace')"

    with pytest.raises(Unavailable):
        asked(look(script))

    (told,) = [record for record in caplog.records if record.getMessage() == "recheck.failed"]
    assert (told.reason, told.exit_code) == ("EOFError", 1)
    assert told.crash == "<string>:3 <module> > <string>:2 load > LookupError"


def test_a_process_that_crashes_after_its_verdict_is_logged_with_the_next_picture(caplog):
    crashing = look(ECHO % ('{"readable": []}', "raise MemoryError"))

    async def ask_twice():
        try:
            for _ in range(2):
                await crashing.readable(b"x", (), b"")
                await crashing._process.wait()
        finally:
            await crashing.close()

    asyncio.run(ask_twice())

    told = [record.crash for record in caplog.records if record.getMessage() == "recheck.failed"]
    assert [crash.split(" > ")[-1] for crash in told] == ["MemoryError", "MemoryError"]


def test_a_process_that_takes_too_long_is_ended():
    script = "import json, threading\nprint(json.dumps({'ready': True}), flush=True)\nthreading.Event().wait()"

    with pytest.raises(Unavailable):
        asked(look(script, timeout_s=0.2))


def test_a_process_that_died_is_started_again():
    dying = look(ECHO % ('{"readable": []}', "break"))

    async def ask_often():
        try:
            for _ in range(3):
                assert await dying.readable(b"x", (), b"") == ()
                await dying._process.wait()
        finally:
            await dying.close()

    asyncio.run(ask_often())


TELL_THEN_NAME_THE_SIZE = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin.buffer:
    size = json.loads(line)["size_bytes"]
    sys.stdin.buffer.read(size)
    if size == 1:
        open(%r, "w").close()
        open(%r).read(1)
    print(json.dumps({"readable": [["plate", size, 0, 0, 0]]}), flush=True)
"""


def test_a_request_that_is_cancelled_leaves_no_verdict_for_the_next_picture(tmp_path):
    asked, is_cancelled = tmp_path / "asked", tmp_path / "cancelled"
    for fifo in (asked, is_cancelled):
        os.mkfifo(fifo)
    a_look = look(TELL_THEN_NAME_THE_SIZE % (str(asked), str(is_cancelled)))

    async def ask():
        go_on = os.open(is_cancelled, os.O_RDWR)  # Waits for no reader.
        try:
            first = asyncio.create_task(a_look.readable(b"x", (), b""))
            await asyncio.to_thread(asked.read_bytes)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            os.write(go_on, b"x")  # Whoever was asked first, and is still there, answers now.
            return await a_look.readable(b"xx", (), b"")
        finally:
            os.close(go_on)
            await a_look.close()

    (found,) = asyncio.run(ask())

    assert found.bbox_xyxy[0] == 2, "the verdict is on the picture that was asked about"


@needs_weights
def test_the_real_detectors_answer():
    async def ask():
        a_look = ProcessLook(timeout_s=60.0)
        try:
            clean = await a_look.readable(made_bundles.jpeg(640, 360), (), made_bundles.jpeg(500, 281))
            with pytest.raises(Corrupt):
                await a_look.readable(b"\xff\xd8\xff\xd9", (), made_bundles.jpeg(32, 18))
            return clean
        finally:
            await a_look.close()

    assert asyncio.run(ask()) == ()


@needs_weights
def test_a_thumbnail_that_shows_something_else_is_told():
    plate = np.full((281, 500, 3), 90, np.uint8)
    plate[100:120, 200:280] = 238
    cv2.putText(plate, "B 52 CNW", (202, 117), cv2.FONT_HERSHEY_DUPLEX, 0.5, (15, 15, 15), 1, cv2.LINE_AA)
    other = simplejpeg.encode_jpeg(plate, quality=90, colorspace="RGB")

    async def ask():
        a_look = ProcessLook(timeout_s=60.0)
        try:
            with pytest.raises(Corrupt):
                await a_look.readable(made_bundles.jpeg(640, 360), (), other[: len(other) // 2])
            return await a_look.readable(made_bundles.jpeg(640, 360), (), other)
        finally:
            await a_look.close()

    assert [found.kind for found in asyncio.run(ask())] == ["thumbnail"]


PLATES = Path("../shared/data/plates")


@needs_weights
@pytest.mark.skipif(not PLATES.exists(), reason="the plates of ../shared/data are not here")
def test_the_real_detectors_find_a_plate_that_was_left():
    def jpegs():
        for path in sorted(PLATES.rglob("*.jpg"))[:400:40]:
            pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            yield simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=90, colorspace="RGB")

    async def ask():
        a_look = ProcessLook(timeout_s=60.0)
        try:
            return [await a_look.readable(jpeg, (), jpeg) for jpeg in jpegs()]
        finally:
            await a_look.close()

    assert any(found and found[0].kind == "plate" for found in asyncio.run(ask()))


@pytest.mark.parametrize(
    ("last_day", "hour", "is_due"),
    [(None, 0, True), (20_779, 2, False), (20_779, 3, True), (20_780, 23, False), (20_778, 0, True)],
)
def test_the_batch_is_made_once_a_day_at_its_hour(last_day, hour, is_due):
    now = made_bundles.START.replace(hour=hour)

    assert is_batch_due(last_day, now, 3) is is_due


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="the system has no such priority")
def test_the_look_that_nobody_waits_for_runs_only_where_nothing_else_wants_to():
    script = (
        "import os\nfrom dashlight.ingest.recheck_process import _step_back\n"
        "_step_back(is_idle=True)\nprint(os.sched_getscheduler(0) == os.SCHED_IDLE, os.nice(0))"
    )

    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout

    assert said.split() == ["True", "19"]
    assert IDLE_COMMAND[-1] == "--idle"
