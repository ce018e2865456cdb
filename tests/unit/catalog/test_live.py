import asyncio
import itertools

import pytest

from dashlight.catalog.live import BETWEEN_PIECES_S, HEARTBEAT_S, Hub, concerns, encoded, following
from dashlight.catalog.regions import Frame, Region
from dashlight.model import BBox
from dashlight.store.database import Change, Event


def picture(cursor, lon=1.0, lat=1.0):
    return Event(cursor, "picture", lon, lat, "{}")


def told(region, *batches):
    """Add events to a region, one piece a batch; return the piece before them."""
    before = region.last
    for batch in batches:
        for cursor in batch:
            region.add(Frame(cursor, b"<%d>" % cursor))
        region.flush(0.0)
    return before


def test_a_reader_gets_everything_after_the_piece_that_it_has():
    region = Region(None)
    before = told(region, [1, 2], [3])

    assert following(before, region, after=0, most=10) == (b"<1><2><3>", False)
    assert following(region.last, region, after=0, most=10) == (b"", False)


def test_what_a_reader_was_told_on_joining_is_not_told_again():
    region = Region(None)
    before = told(region, [1, 2], [3])

    assert following(before, region, after=1, most=10) == (b"<2><3>", False)


def test_a_reader_who_falls_behind_is_told_to_refresh_and_goes_on():
    region = Region(None)
    before = told(region, [1, 2], [3, 4])

    assert following(before, region, after=0, most=3) == (encoded("refresh", "{}", 4), True)

    after_it = region.last
    told(region, [5])
    assert following(after_it, region, after=0, most=3) == (b"<5>", False)


def test_a_sign_of_life_is_no_event():
    region = Region(None)
    before = region.last
    region.say(b": here\n\n", 0.0)

    assert following(before, region, after=5, most=0) == (b": here\n\n", False)


@pytest.mark.parametrize(
    ("event", "bbox", "is_told"),
    [
        (picture(1, 5.0, 5.0), BBox(0, 0, 5, 5), True),
        (picture(1, 5.1, 5.0), BBox(0, 0, 5, 5), False),
        (picture(1, 179.0, 0.0), BBox(170, -10, -170, 10), True),
        (picture(1, -179.0, 0.0), BBox(170, -10, -170, 10), True),
        (picture(1, 0.0, 0.0), BBox(170, -10, -170, 10), False),
        (Event(1, "gone", None, None, "{}"), BBox(0, 0, 1, 1), True),
        (picture(1), None, True),
    ],
)
def test_a_reader_is_told_what_concerns_its_region(event, bbox, is_told):
    assert concerns(event, bbox) is is_told


class QuietDatabase:
    """A database in which nothing happened before, and whose changes the test tells."""

    def __init__(self):
        self.tell = None

    def listen(self, listener):
        self.tell = listener

    def read(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def execute(self, _statement):
        return self

    def scalar(self):
        return 0


class Reading:
    """A stream that is read in a task."""

    def __init__(self, hub, bbox):
        self.pieces = []
        self.at_s = []
        self.task = asyncio.create_task(self._read(hub, bbox))

    async def _read(self, hub, bbox):
        async for piece in hub.stream(bbox=bbox, after=None):
            self.pieces.append(piece)
            self.at_s.append(asyncio.get_running_loop().time())

    async def until(self, count):
        while len(self.pieces) < count:  # noqa: ASYNC110  # The loop's clock is not real; nobody waits.
            await asyncio.sleep(0.01)


class FastLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next thing that is due, unless a thread still works."""

    def __init__(self):
        super().__init__()
        self._ahead_s = 0.0

    def time(self):
        return super().time() + self._ahead_s

    def _run_once(self):
        if not self._ready and self._scheduled and not self._thread_works():
            self._ahead_s += max(0.0, self._scheduled[0]._when - self.time())
        super()._run_once()

    def _thread_works(self):
        executor = self._default_executor
        return executor is not None and executor._work_queue.qsize() > 0


@pytest.fixture
def loop():
    made = FastLoop()
    yield made
    made.run_until_complete(made.shutdown_default_executor())
    made.close()


def test_a_region_is_told_at_most_once_a_second_and_loses_nothing(loop):
    async def scene():
        database = QuietDatabase()
        hub = Hub(database, clients=10, queue=1000)
        hub.start()
        here, elsewhere = Reading(hub, BBox(0, 0, 2, 2)), Reading(hub, BBox(50, 50, 60, 60))
        await here.until(1)
        await elsewhere.until(1)
        for cursor in range(1, 101):
            database.tell(Change(events=[picture(cursor)]))
            await asyncio.sleep(0.05)
        await here.until(6)
        hub.close()
        await asyncio.gather(here.task, elsewhere.task)
        return here, elsewhere

    here, elsewhere = loop.run_until_complete(scene())

    pieces = [p for p in here.pieces if b"event: picture" in p]
    cursors = [int(line[4:]) for p in pieces for line in p.splitlines() if line.startswith(b"id: ")]
    times = [at for at, p in zip(here.at_s, here.pieces, strict=True) if b"event: picture" in p]
    assert cursors == list(range(1, 101))
    assert all(b - a >= BETWEEN_PIECES_S * 0.99 for a, b in itertools.pairwise(times))
    assert not any(b"event: picture" in p for p in elsewhere.pieces)
    assert here.pieces[-1].startswith(b"retry: ")


def test_the_first_event_after_a_quiet_second_goes_out_at_once(loop):
    async def scene():
        database = QuietDatabase()
        hub = Hub(database, clients=10, queue=1000)
        hub.start()
        reading = Reading(hub, None)
        await reading.until(1)
        began = asyncio.get_running_loop().time()
        database.tell(Change(events=[picture(1)]))
        await reading.until(2)
        hub.close()
        await reading.task
        return reading.at_s[1] - began

    assert loop.run_until_complete(scene()) < 0.5 * BETWEEN_PIECES_S


def test_a_quiet_line_shows_that_it_is_up(loop):
    async def scene():
        hub = Hub(QuietDatabase(), clients=10, queue=1000)
        hub.start()
        reading = Reading(hub, None)
        await reading.until(1)
        await asyncio.sleep(2 * HEARTBEAT_S + 2.0)
        hub.close()
        await reading.task
        return reading.pieces

    assert loop.run_until_complete(scene())[1:3] == [b": still here\n\n"] * 2


def test_a_hub_forgets_who_has_gone(loop):
    async def scene():
        hub = Hub(QuietDatabase(), clients=10, queue=1000)
        hub.start()
        reading = [Reading(hub, BBox(n, 0, n + 1, 1)) for n in range(5)]
        for each in reading:
            await each.until(1)
        full = hub.readers, hub.regions
        for each in reading:
            each.task.cancel()
        await asyncio.gather(*(each.task for each in reading), return_exceptions=True)
        left = hub.readers, hub.regions
        hub.close()
        return full, left

    assert loop.run_until_complete(scene()) == ((5, 5), (0, 0))
