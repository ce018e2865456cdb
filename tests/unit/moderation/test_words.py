"""Every word that a page asks for is there, in every language."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashlight.moderation.decisions import CHOICES
from dashlight.moderation.words import Words, load_words
from dashlight.store.moderated import REASONS, Decision, Issue, Reason

TEMPLATES = Path("src/dashlight/web/operator")
WORDS = load_words()
ASKED = {
    key
    for file in TEMPLATES.glob("*.jinja")
    for key in re.findall(r"""\bt\(["']([a-z_]+)["'][,)]""", file.read_text(encoding="utf-8"))
}
MADE = {
    *(f"issue_{each}" for each in (*Issue, "recheck", "upload", "unknown")),
    *(f"reason_{each}" for each in Reason),
    *(f"decided_{each}" for each in (*Decision, "reported", "refused")),
    *(f"choice_{each}{tail}" for each in CHOICES for tail in ("", "_note")),
    *(f"done_{each}" for each in ("restore", "keep", "erase", "many", "gone", "removed", "unsaid")),
    *(f"trouble_{each}" for each in ("bad_choice", "bad_reason", "bad_sentence", "bad_form")),
    *(f"policy_{each}" for each in ("personal", "open", "fleet")),
}


@pytest.mark.parametrize("language", WORDS)
def test_every_word_is_there(language):
    assert set(WORDS[language]) >= ASKED | MADE
    assert len(ASKED) > 40


def test_the_languages_have_the_same_words_and_the_same_places_in_them():
    places = {
        language: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in words.items()}
        for language, words in WORDS.items()
    }

    assert places["en"] == places["es"]


def test_every_reason_can_be_given():
    assert {reason for reasons in REASONS.values() for reason in reasons} == set(Reason)


@pytest.mark.parametrize(
    ("text", "english", "spanish"),
    [
        ("2026-11-23T10:00:00.000Z", "23 November 2026, 10:00 UTC", "23 de noviembre de 2026, 10:00 UTC"),
        ("2026-W48", "week of 23 November 2026", "semana del 23 de noviembre de 2026"),
        ("2026-11", "November 2026", "noviembre de 2026"),
    ],
)
def test_a_time_is_as_precise_as_it_is_told(text, english, spanish):
    assert [Words(code, WORDS[code]).captured(text) for code in ("en", "es")] == [english, spanish]


@given(st.integers(0, 40_000))
def test_every_day_can_be_said(day):
    for code, words in WORDS.items():
        assert re.match(r"\d+ ", Words(code, words).day(day))
