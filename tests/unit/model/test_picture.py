"""Claims, coarse times, detections and tracks."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from dashlight.errors import InputError
from dashlight.model import Detection, Fix, LonLat, Month, PictureClaim, Track, Week

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
HERE = LonLat(1, 2)


def test_a_week_goes_by_iso_8601():
    assert Week.of(date(2027, 1, 3)).label == "2026-W53"
    assert Week.parse("2026-W48").monday == date(2026, 11, 23)


@pytest.mark.parametrize("label", ["2026-W54", "2025-W53", "2026-W00", "2026-48", "2026-W4", "٢٠٢٦-W48", "2026-w48"])
def test_a_week_that_is_none_is_named(label):
    with pytest.raises(InputError, match="ISO week"):
        Week.parse(label)


def test_a_month_has_one_spelling():
    assert Month.parse("2026-11") == Month(2026, 11)
    assert Month(2026, 3).label == "2026-03"


@pytest.mark.parametrize("label", ["2026-13", "2026-00", "0000-01", "2026-1", "2026/11", "20\uff126-11"])
def test_a_month_that_is_none_is_named(label):
    with pytest.raises(InputError, match="month"):
        Month.parse(label)


@pytest.mark.parametrize("heading_deg", [-0.1, 360.0, float("nan")])
def test_a_claim_is_on_the_compass(heading_deg):
    with pytest.raises(InputError, match="heading"):
        PictureClaim(HERE, AT, heading_deg)


@pytest.mark.parametrize(
    "captured",
    [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))],  # noqa: DTZ001
)
def test_a_claim_is_in_aware_utc(captured):
    with pytest.raises(InputError, match="aware UTC"):
        PictureClaim(HERE, captured, 0.0)


@pytest.mark.parametrize("accuracy_m", [-1.0, 10_001.0])
def test_a_claim_says_a_possible_accuracy(accuracy_m):
    with pytest.raises(InputError, match="accuracy"):
        PictureClaim(HERE, AT, 0.0, accuracy_m)


def test_a_claim_takes_a_week_as_well():
    assert PictureClaim(HERE, Week(2026, 48), 359.9, 4.0).accuracy_m == 4.0


@pytest.mark.parametrize(
    ("box", "score", "word"),
    [((2, 0, 1, 1), 0.5, "exchanged"), ((0, 2, 1, 1), 0.5, "exchanged"), ((0,) * 4, 1.1, "score")],
)
def test_a_detection_that_is_none_is_named(box, score, word):
    with pytest.raises(InputError, match=word):
        Detection("face", box, score)


def test_a_detection_keeps_its_box():
    assert Detection("face", (0, 0, 1.5, 1), 1.0).bbox_xyxy == (0, 0, 1.5, 1)


def test_fixes_are_in_order_and_in_utc():
    later = AT + timedelta(seconds=1)

    assert len(Track((Fix(AT, HERE), Fix(later, HERE))).fixes) == 2
    with pytest.raises(InputError, match="not in order"):
        Track((Fix(AT, HERE), Fix(AT, HERE)))
    with pytest.raises(InputError, match="aware UTC"):
        Fix(datetime(2026, 1, 1), HERE)  # noqa: DTZ001
