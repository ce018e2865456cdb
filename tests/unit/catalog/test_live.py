from dashlight.catalog.live import Batch, _Reader, encoded
from dashlight.model import BBox
from dashlight.store.database import Event


def picture(cursor, lon=1.0, lat=1.0):
    return Event(cursor, "picture", lon, lat, "{}")


def cursors(chosen):
    return [cursor for cursor, _ in chosen]


def test_a_reader_who_falls_behind_is_told_to_refresh_and_goes_on():
    reader = _Reader(None, 3)

    reader.add(Batch([picture(1), picture(2)]))
    reader.add(Batch([picture(3), picture(4)]))
    assert reader.waiting == [(4, encoded("refresh", "{}", 4))]

    reader.add(Batch([picture(5)]))
    assert cursors(reader.waiting) == [4, 5]


def test_a_reader_gets_what_concerns_its_region():
    batch = Batch([picture(1, 0.0, 0.0), picture(2, 5.0, 5.0), picture(3, 10.0, 10.0)])

    assert cursors(batch.chosen(BBox(0, 0, 5, 5))) == [1, 2]
    assert cursors(batch.chosen(BBox(20, 20, 30, 30))) == []
    assert cursors(batch.chosen(None)) == [1, 2, 3]


def test_a_region_across_the_antimeridian_is_one_region():
    batch = Batch([picture(1, 179.0, 0.0), picture(2, -179.0, 0.0), picture(3, 0.0, 0.0)])

    assert cursors(batch.chosen(BBox(170, -10, -170, 10))) == [1, 2]


def test_an_event_without_a_place_concerns_everybody():
    assert cursors(Batch([Event(1, "gone", None, None, "{}")]).chosen(BBox(0, 0, 1, 1))) == [1]


def test_a_reader_whose_region_saw_nothing_is_left_alone():
    reader = _Reader(BBox(20, 20, 30, 30), 3)

    reader.add(Batch([picture(n) for n in range(1, 10)]))

    assert reader.waiting == []
    assert not reader.has_news.is_set()
