"""Stretches of a recording: what was published is known to be, whatever was taken back inside."""

from hypothesis import given
from hypothesis import strategies as st

from dashlight.edge.importing.stretches import Spans

MOMENTS = st.integers(0, 200)
SPANS = st.lists(st.tuples(MOMENTS, st.integers(0, 60)).map(lambda s: (s[0], s[0] + s[1])), max_size=30)


def test_single_erasures_inside_a_stretch_do_not_hide_it():
    erased = [(n * 1000, n * 1000) for n in range(1, 20)]

    assert Spans([(0, 30_000), *erased]).has(25_500)


@given(SPANS, MOMENTS)
def test_a_moment_is_in_the_spans_when_it_is_in_one_of_them(spans, at):
    assert Spans(spans).has(at) == any(first <= at <= last for first, last in spans)
