"""Filters, layers and looking back: what the map, the list and the legend then show."""

from datetime import UTC, datetime, timedelta

import pytest
import street_drives
from servers import served

from dashlight.model import LonLat, Policy

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"
NOW = datetime.now(UTC).replace(microsecond=0)
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def _streets(tmp_path_factory):
    """Three fleet pictures that look east, taken 100 days ago, and two open ones that look north, of today."""
    with served(tmp_path_factory.mktemp("filters") / "data", name="Test streets") as running:
        start = NOW - timedelta(days=100)
        running.publish(street_drives.archive(1, count=3, heading_deg=90.0, started_at=start))
        place = LonLat(-5.8492, 43.3621)
        running.publish(
            street_drives.archive(2, count=2, heading_deg=10.0, start=place, policy=Policy.OPEN), policy=Policy.OPEN
        )
        yield running


@pytest.fixture
def server(_streets):
    return _streets


def day(days_ago):
    return (NOW - timedelta(days=days_ago)).date()


def ids(server, policy):
    features = server.client.get("/v1/pictures", params={"policy": policy}).json()["features"]
    return {each["id"] for each in features}


def choose(browser, name, value):
    browser.run(
        """
        const field = document.querySelector(`select[name=${arguments[0]}]`);
        field.value = arguments[1];
        field.dispatchEvent(new Event('change', { bubbles: true }));
        """,
        name,
        value,
    )


def test_a_policy_is_chosen_in_the_menu_and_map_list_and_address_follow(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.wait(lambda: len(browser.drawn()) == 5)

    browser.find(".layers-button").click()
    browser.find("input[name=policy][value=open]").click()
    browser.find("input[name=policy][value=personal]").click()

    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.wait(lambda: browser.drawn() == ids(server, "fleet"), "the map should draw the fleet's pictures")
    assert browser.driver.current_url.endswith("policy=fleet")
    assert browser.run("return document.querySelector('input[name=policy][value=fleet]').disabled")
    browser.find(".layers-popover > .button").click()
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.wait(lambda: len(browser.drawn()) == 5)


def test_a_heading_is_chosen_and_nothing_that_fits_says_so(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.find(".layers-button").click()

    choose(browser, "heading", "0")

    browser.wait_text("dl-list h2", "2 pictures in view")
    browser.wait(lambda: browser.drawn() == ids(server, "open"), "the map should draw what looks north")
    choose(browser, "heading", "180")
    browser.wait_text("dl-list", "No pictures that fit the filters")
    browser.press("ESCAPE")
    browser.find("[data-state=emptyFilters] button").click()
    browser.wait_text("dl-list h2", "5 pictures in view")


def test_an_age_is_chosen_and_is_the_period(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.find(".layers-button").click()

    choose(browser, "age", str(day(29)))

    browser.wait_text("dl-list h2", "2 pictures in view")
    assert browser.driver.current_url.endswith(f"from={day(29)}")


@pytest.mark.parametrize("zoom", [4, 12])
def test_a_filter_says_where_it_does_not_hold(server, browser, zoom):
    browser.open(f"{server.url}/#at={zoom}/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}&policy=open")

    browser.wait_text("dl-list h2", "2 pictures in view")
    browser.wait_text("dl-legend", "Areas and streets count every picture")


def colours(browser, layer):
    return browser.run(
        """
        const { map } = document.querySelector('#map');
        if (!map.getLayer(arguments[0])) return [];
        return [...new Set(map.queryRenderedFeatures({ layers: [arguments[0]] })
            .map(({ layer }) => JSON.stringify(Object.values(layer.paint['fill-color'] ?? layer.paint['circle-color'])
            .slice(0, 3).map((each) => Math.round(each * 255)))))];
        """,
        layer,
    )


def test_coverage_tells_amounts_and_its_legend_the_numbers(server, browser):
    browser.open(f"{server.url}/#at=4/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}")
    browser.wait_map()
    newest = [str(list(browser.token("--age-week"))).replace(" ", "")]
    palest = [str(list(browser.token("--age-older"))).replace(" ", "")]
    browser.wait(lambda: colours(browser, "coverage") == newest, "there is a picture of today")

    browser.find(".layers-button").click()
    browser.all("input[name=layer]")[1].click()

    browser.wait_text("dl-legend", "Pictures in an area")
    bands = [each.text for each in browser.all("dl-legend .ages li")]
    assert bands == ["1\u20139", "10\u201399", "100\u2013999", "1,000+"]
    browser.wait(lambda: colours(browser, "coverage") == palest, "five pictures are few")
    assert "layer=amount" in browser.driver.current_url
    browser.driver.back()
    browser.wait_text("dl-legend", "Age of the newest picture")
    browser.wait(lambda: colours(browser, "coverage") == newest)


def test_names_can_be_taken_off_the_map(server, browser):
    browser.open(f"{server.url}/#at=4/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}&names=off")
    browser.wait_map()
    shown = """
        const { map } = document.querySelector('#map');
        return map.queryRenderedFeatures({ layers: ['names-countries'] }).length;
    """
    assert browser.run(shown) == 0

    browser.find(".layers-button").click()
    browser.find(".layers-popover input[type=checkbox]:not([name])").click()

    browser.wait(lambda: browser.run(shown) > 0)
    assert "names=off" not in browser.driver.current_url


def test_as_of_a_day_the_map_is_what_it_was_and_ages_are_of_that_day(server, browser):
    browser.open(f"{server.url}/#at=4/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    newest, month = ([str(list(browser.token(f"--age-{age}"))).replace(" ", "")] for age in ("week", "month"))
    browser.find(".time-button").click()
    browser.wait(lambda: browser.all(".histogram rect"))

    browser.all(".segment")[1].click()
    browser.wait_text(".time-label", "As of")
    browser.run(
        """
        const slider = document.querySelector('.slider-to');
        slider.value = Number(slider.max) - 90;
        slider.dispatchEvent(new Event('input', { bubbles: true }));
        """
    )

    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.wait(lambda: colours(browser, "coverage") == month, "ten days old, then")
    assert browser.driver.current_url.endswith(f"asof={day(90)}")
    browser.wait_text("dl-legend", f"{day(90).day} ")
    browser.open(f"{server.url}/#at=4/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}&asof={day(99)}")
    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.wait(lambda: colours(browser, "coverage") == newest, "one day old, then")
    browser.open(f"{server.url}/{HERE}&asof={day(120)}")
    browser.wait_text("dl-list", "No pictures in these dates")
    browser.find("[data-state=emptyDates] button").click()
    browser.wait_text("dl-list h2", "5 pictures in view")


def test_the_keyboard_moves_the_day(server, browser):
    browser.open(f"{server.url}/{HERE}&asof={day(10)}")
    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.find(".time-button").click()
    browser.wait(lambda: browser.all(".histogram rect"))

    browser.run("document.querySelector('.slider-to').focus()")
    browser.press("ARROW_LEFT", "ARROW_LEFT")

    browser.wait(lambda: browser.driver.current_url.endswith(f"asof={day(12)}"))
    assert str(day(12).day) in browser.run("return document.querySelector('.slider-to').ariaValueText")


def test_what_arrives_is_shown_only_when_it_is_wanted(tmp_path, browser):
    with served(tmp_path / "data") as server:
        browser.open(f"{server.url}/{HERE}&policy=open")
        browser.wait_text("dl-list", "No pictures")
        browser.wait_map()
        browser.wait(lambda: browser.run("return document.querySelector('dl-panel').page.feed.up"))

        server.publish(street_drives.archive(1, count=2))
        server.publish(
            street_drives.archive(2, count=1, start=LonLat(-5.8492, 43.3621), policy=Policy.OPEN), policy=Policy.OPEN
        )

        browser.wait_text("dl-list h2", "1 picture in view")
        browser.wait(lambda: browser.drawn() == ids(server, "open"))
