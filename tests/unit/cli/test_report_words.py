from dashlight.cli.report import REASON_WORDS
from dashlight.store.moderated import REASONS, Decision


def test_the_help_names_the_reasons_of_each_decision():
    assert {decision: tuple(map(str, REASONS[Decision(decision)])) for decision in REASON_WORDS} == REASON_WORDS
    assert {*REASON_WORDS, "dismiss"} == set(map(str, Decision))
