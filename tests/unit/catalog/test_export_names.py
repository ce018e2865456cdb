import pytest

from dashlight.catalog.exports.making import format_of
from dashlight.catalog.exports.names import OFFERS, offer_of
from dashlight.config import EXPORT_FORMATS
from dashlight.errors import UsageError


def test_what_is_offered_is_what_can_be_set():
    assert tuple(offer.name for offer in OFFERS) == EXPORT_FORMATS


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_what_is_offered_can_be_made(name):
    assert format_of(name, base_url="").name == name == offer_of(name).name


def test_nothing_else_can_be_made():
    assert offer_of("shapefile") is None
    with pytest.raises(UsageError, match="shapefile"):
        format_of("shapefile", base_url="")
