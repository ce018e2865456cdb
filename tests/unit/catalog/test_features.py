import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.catalog import features
from dashlight.catalog.reports import Budget, Budgets, Issue
from dashlight.catalog.stac.asked import body_of_get
from dashlight.catalog.stac.cursor import Cursors
from dashlight.errors import InputError, Unavailable
from dashlight.model import BBox
from dashlight.store.pictures import PageEnd
from dashlight.store.reports import most_held
from dashlight.wire import from_base64url, to_base64url

CURSORS = Cursors(bytes(32))


def code_of(call):
    """Return the code of the error that a call raises, or None when it raises none."""
    try:
        call()
    except InputError as exc:
        return exc.code
    return None


@given(st.integers(0, 2**45), st.integers(0, 2**50))
def test_a_cursor_comes_back_as_it_went(captured_ms, number):
    position = PageEnd(captured_ms, number)

    assert features.parsed_cursor(features.cursor_text(position, CURSORS), CURSORS) == position


@given(st.integers(0, 2**45), st.integers(0, 2**40))
def test_a_cursor_tells_nobody_the_number_of_a_row(captured_ms, number):
    texts = [features.cursor_text(PageEnd(captured_ms, number + n), CURSORS) for n in (0, 1)]
    first, second = (from_base64url(text) for text in texts)

    assert f"{number}".encode() not in first or number < 10_000
    assert sum(a == b for a, b in zip(first, second, strict=False)) < len(first) / 2
    assert max(map(len, texts)) <= 100
    with pytest.raises(InputError, match="is not one of this server's"):
        features.parsed_cursor(to_base64url(f"{captured_ms}.{number}".encode()), CURSORS)


@given(st.text(max_size=60))
def test_any_text_as_a_cursor_is_a_cursor_or_an_error(text):
    assert code_of(lambda: features.parsed_cursor(text, CURSORS)) in (None, "bad-cursor")


@given(st.text(max_size=60))
def test_any_text_as_a_box_is_a_box_or_an_error(text):
    assert code_of(lambda: features.parsed_bbox(text)) in (None, "bad-bbox")


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_as_a_day_is_a_day_or_an_error(first, last):
    assert code_of(lambda: features.parsed_days(first, last)) in (None, "bad-day")


@given(st.text(max_size=40) | st.from_regex(r"\Abytes=[0-9]{0,4}-[0-9]{0,4}\Z"), st.integers(1, 2000))
def test_a_range_lies_inside(header, size):
    code = code_of(lambda: features.parsed_range(header, size))

    if code is None:
        part = features.parsed_range(header, size)
        assert part is None or 0 <= part[0] < part[1] <= size
    else:
        assert code == "bad-range"


def test_a_sender_cannot_spend_everybodys_budget():
    budget = Budget(together=5, each=2)

    budget.spend("a")
    budget.spend("a")
    with pytest.raises(Unavailable):
        budget.spend("a")
    for sender in "bcd":
        budget.spend(sender)
    with pytest.raises(Unavailable, match="too many reports"):
        budget.spend("e")


def test_one_hour_of_reports_hides_a_share_of_the_map_only():
    for shown, hidden in ((0, 20), (500, 20), (5_000, 100)):
        budgets = Budgets(together=600, each=20)
        found = [budgets.spend(f"10.{n // 250}.{n % 250}.1", Issue.PRIVACY, shown=shown) for n in range(600)]
        assert found == [True] * hidden + [False] * (600 - hidden)


def test_half_of_an_hour_is_there_for_senders_of_few_reports():
    budgets = Budgets(together=600, each=50)

    loud = [budgets.spend(f"10.0.{n % 3}.1", Issue.PRIVACY, shown=0) for n in range(60)]
    quiet = [budgets.spend(f"10.1.{n // 2}.1", Issue.PRIVACY, shown=0) for n in range(60)]

    assert (sum(loud), sum(quiet)) == (10, 10)


def test_many_addresses_of_one_network_are_not_many_senders():
    for pattern in ("192.0.2.{}", "2001:db8:1:{:x}::1"):
        budget = Budget(together=1_000, each=5)

        assert sum(budget.try_spend(pattern.format(n % 250)) for n in range(1_000)) == 15


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_script_cannot_blank_the_map_however_long_it_runs(pictures, hours):
    held = 0
    for _ in range(min(hours, 5)):
        while held < most_held(pictures) and held < pictures:
            held += max(1, pictures // 1_000)

    assert held <= max(pictures * 0.052, min(20, pictures / 2)) + 1


def test_a_sender_is_its_whole_network():
    budget = Budget(together=100, each=1)

    assert budget.try_spend("2001:db8:1:2::1")
    assert not budget.try_spend("2001:db8:1:2:ffff::9")
    assert budget.try_spend("2001:db8:1:3::1")
    assert budget.try_spend("::ffff:192.0.2.1")
    assert not budget.try_spend("192.0.2.1")
    assert budget.try_spend("192.0.2.2")


def test_a_budget_is_renewed_after_an_hour_and_forgets_who_spent_it():
    clock = [0.0]
    budget = Budget(together=1, each=1, now_s=lambda: clock[0])
    budget.spend("a")
    salt = budget._salt

    clock[0] = 3600.0
    budget.spend("a")

    assert budget._salt != salt


@pytest.mark.parametrize(
    "day", ["2026-W48-1", "20261123xx", "2026-11-2\uff13", "2026-1-123", "2026-11-99", "+026-11-23"]
)
def test_a_day_is_spelled_in_one_way(day):
    with pytest.raises(InputError) as caught:
        features.parsed_days(day, None)

    assert caught.value.code == "bad-day"


def test_a_box_is_spelled_alike_in_every_list():
    for text, numbers in ((".5,-.25,+1.,1e1", [0.5, -0.25, 1.0, 10.0]), (" 170, -10 ,-170,10", [170, -10, -170, 10])):
        assert features.parsed_bbox(text) == BBox(*numbers)
        assert body_of_get({"bbox": text}) == {"bbox": numbers}


@pytest.mark.parametrize(
    "bbox", ["1_0,0,2_0,1", "nan,0,1,1", "inf,0,1,1", "1,2,3", "٣,0,1,1", "0x1,0,1,1", ",,,", "1,2,3,4,5"]
)
def test_a_box_is_four_plain_numbers(bbox):
    with pytest.raises(InputError):
        features.parsed_bbox(bbox)
