import pytest

from dashlight.model import preferred_language


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, None, "en"),
        ("", "", "en"),
        ("es", "en", "es"),
        ("xx", "es", "es"),
        ("xx", "en", "en"),
        (None, "es-MX,es;q=0.9", "es"),
        (None, "fr, es;q=0.5", "es"),
        (None, "ES", "es"),
        (None, "est", "en"),
        (None, ";;;,,", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_or_else_the_first_known_wish(asked, accepted, language):
    assert preferred_language(asked, accepted, ["en", "es"]) == language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en;q=0.3,es;q=0.8", "es"),
        ("en;q=0.3, es; q=0.8", "es"),
        ("en; q=0.3, es", "es"),
        ("es;q=0", "en"),
        ("es;q=nan", "en"),
        ("es;q=inf,en;q=0.1", "en"),
        ("es;q=much", "en"),
    ],
)
def test_a_wish_counts_as_much_as_it_says(accepted, language):
    assert preferred_language(None, accepted, ["en", "es"]) == language


def test_only_the_first_wishes_of_an_endless_header_are_read():
    assert preferred_language(None, "fr," * 100_000 + "es", ["en", "es"]) == "en"
