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
    """One reader: ASGI and the line of a server, of which the test sees all parts of the reply."""

    def __init__(self, hub, bbox, after=None):
        self.pieces = []
        self.at_s = []
        self.is_ready = True
        self.is_complete = False
        self.on_ready = None
        self._gone = asyncio.Event()
        self.task = asyncio.create_task(hub.serve(self._receive, self._send, self, bbox=bbox, after=after))

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        self.write(message["body"])
        self.is_complete = not message["more_body"]

    def write(self, content):
        assert self.is_ready
        assert not self.is_complete
        self.pieces.append(content)
        self.at_s.append(asyncio.get_running_loop().time())

    def hang_up(self):
        self.is_ready = False
        self._gone.set()

    def read_on(self):
        self.is_ready = True
        self.on_ready()

    async def until(self, count):
        while len(self.pieces) < count:  # noqa: ASYNC110  # The loop's clock is not real; nobody waits.
            await asyncio.sleep(0.01)

    def cursors(self):
        lines = b"".join(piece for piece in self.pieces if b"event: picture" in piece).splitlines()
        return [int(line[4:]) for line in lines if line.startswith(b"id: ")]


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

    times = [at for at, p in zip(here.at_s, here.pieces, strict=True) if b"event: picture" in p]
    assert here.cursors() == list(range(1, 101))
    assert all(b - a >= BETWEEN_PIECES_S * 0.99 for a, b in itertools.pairwise(times))
    assert not any(b"event: picture" in p for p in elsewhere.pieces)
    assert here.pieces[-1].startswith(b"retry: ")
    assert here.is_complete


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
        for each in reading[:3]:
            each.hang_up()
        for each in reading[3:]:
            each.task.cancel()
        await asyncio.gather(*(each.task for each in reading), return_exceptions=True)
        left = hub.readers, hub.regions
        hub.close()
        return full, left

    assert loop.run_until_complete(scene()) == ((5, 5), (0, 0))


def test_a_reader_who_does_not_read_is_passed_over_and_told_everything_once_it_reads(loop):
    async def scene():
        database = QuietDatabase()
        hub = Hub(database, clients=10, queue=100)
        hub.start()
        slow, quick = Reading(hub, None), Reading(hub, None)
        await slow.until(1)
        await quick.until(1)
        slow.is_ready = False
        for cursor in range(1, 31):
            database.tell(Change(events=[picture(cursor)]))
            await asyncio.sleep(0.1)
        await asyncio.sleep(2 * BETWEEN_PIECES_S)
        before = len(slow.pieces)
        slow.read_on()
        hub.close()
        await asyncio.gather(slow.task, quick.task)
        return before, slow, quick

    before, slow, quick = loop.run_until_complete(scene())

    assert before == 1
    assert slow.cursors() == quick.cursors() == list(range(1, 31))
    assert len(slow.pieces) < len(quick.pieces)


def test_a_reader_who_is_too_slow_gets_one_refresh_and_is_counted(loop):
    counted = []

    class Counts:
        def count_piece(self, events):
            pass

        def count_refresh(self):
            counted.append(1)

    async def scene():
        database = QuietDatabase()
        hub = Hub(database, clients=10, queue=5, counts=Counts())
        hub.start()
        slow = Reading(hub, None)
        await slow.until(1)
        slow.is_ready = False
        for cursor in range(1, 31):
            database.tell(Change(events=[picture(cursor)]))
            await asyncio.sleep(0.1)
        await asyncio.sleep(2 * BETWEEN_PIECES_S)
        slow.read_on()
        database.tell(Change(events=[picture(31)]))
        await slow.until(3)
        hub.close()
        await slow.task
        return slow.pieces

    pieces = loop.run_until_complete(scene())

    assert pieces[1] == encoded("refresh", "{}", 30)
    assert (len(counted), pieces[2]) == (1, encoded("picture", "{}", 31))


def test_more_streams_than_one_turn_tells_are_told_one_piece_each(loop):
    async def scene():
        database = QuietDatabase()
        hub = Hub(database, clients=1_000, queue=100)
        hub.start()
        reading = [Reading(hub, BBox(0, 0, 2 + number % 2, 2)) for number in range(500)]
        for each in reading:
            await each.until(1)
        for cursor in range(1, 11):
            database.tell(Change(events=[picture(cursor)]))
            await asyncio.sleep(0.3)
        await asyncio.sleep(2 * BETWEEN_PIECES_S)
        hub.close()
        await asyncio.gather(*(each.task for each in reading))
        return reading

    reading = loop.run_until_complete(scene())

    assert all(each.cursors() == list(range(1, 11)) for each in reading)
    assert len({len(each.pieces) for each in reading}) == 1


def test_a_stream_that_begins_after_the_hub_has_ended_ends_at_once(loop):
    async def scene():
        hub = Hub(QuietDatabase(), clients=10, queue=100)
        hub.start()
        reading = Reading(hub, None)
        hub.close()
        await reading.task
        return reading

    reading = loop.run_until_complete(scene())

    assert reading.is_complete
    assert reading.pieces[-1].startswith(b"retry: ")
