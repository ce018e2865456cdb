from dashlight.catalog.live import _Reader, concerns, encoded
from dashlight.model import BBox
from dashlight.store.database import Event


def event(cursor, lon=1.0, lat=1.0):
    return Event(cursor, "picture", lon, lat, "{}")


def told(reader):
    return [content for _, content in reader.waiting]


def test_a_reader_who_falls_behind_is_told_to_refresh():
    reader = _Reader(None, 3)

    reader.add([(event(n), encoded("picture", "{}", n)) for n in range(1, 6)])

    assert told(reader) == [encoded("refresh", "{}", 4), encoded("picture", "{}", 5)]


def test_a_region_across_the_antimeridian_is_one_region():
    bbox = BBox(170, -10, -170, 10)

    assert concerns(event(1, 179.0, 0.0), bbox)
    assert concerns(event(1, -179.0, 0.0), bbox)
    assert not concerns(event(1, 0.0, 0.0), bbox)


def test_an_event_without_a_place_concerns_everybody():
    assert concerns(Event(1, "gone", None, None, "{}"), BBox(0, 0, 1, 1))
