"""Two dates beside each other: two maps in step, one divider, and a list that tells both."""

from datetime import UTC, datetime, timedelta

import pytest
import street_drives
from servers import served

from dashlight.model import LonLat

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"
NOW = datetime.now(UTC).replace(microsecond=0)
pytestmark = pytest.mark.usefixtures("quiet")

VIEWS = """
    return [...document.querySelectorAll('dl-map')].map(({ map }) => {
        const { lng, lat } = map.getCenter();
        return [lng, lat, map.getZoom()].map((each) => Number(each.toFixed(6)));
    });
"""


@pytest.fixture(scope="module")
def _streets(tmp_path_factory):
    """Three pictures taken 100 days ago, and two of today."""
    with served(tmp_path_factory.mktemp("compare") / "data", name="Test streets") as running:
        running.publish(street_drives.archive(1, count=3, started_at=NOW - timedelta(days=100)))
        running.publish(street_drives.archive(2, count=2, start=LonLat(-5.8492, 43.3621)))
        yield running


@pytest.fixture
def server(_streets):
    return _streets


def day(days_ago):
    return (NOW - timedelta(days=days_ago)).date()


def drawn(browser, number):
    return browser.run(
        """
        const map = document.querySelectorAll('dl-map')[arguments[0]]?.map;
        const layers = ['road', 'dots', 'dots-all'].filter((id) => map?.getLayer(id));
        const features = layers.length ? map.queryRenderedFeatures({ layers }) : [];
        return new Set(features.map(({ properties }) => properties.id)).size;
        """,
        number,
    )


def test_a_comparison_begins_in_the_menu_and_ends_with_a_button(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.find(".time-button").click()
    browser.wait(lambda: browser.all(".histogram rect"))

    browser.all(".segment")[2].click()

    browser.wait(lambda: len(browser.all("dl-map")) == 2)
    assert browser.driver.current_url.endswith(f"compare={day(100)}")  # By then half of the pictures were there.
    browser.wait(lambda: (drawn(browser, 0), drawn(browser, 1)) == (3, 5), "each map has the pictures of its day")
    browser.wait_text(".compared", "3 pictures")
    browser.press("ESCAPE")
    browser.find(".pane-after .pane-head button").click()
    browser.wait(lambda: len(browser.all("dl-map")) == 1)
    assert "compare" not in browser.driver.current_url
    browser.wait_text("dl-list h2", "5 pictures in view")


def test_the_maps_stay_in_step(server, browser):
    browser.prefer(prefers_reduced_motion="reduce")
    browser.open(f"{server.url}/{HERE}&compare={day(50)}")
    browser.wait(lambda: drawn(browser, 0) == 3)

    for number in (0, 1):
        browser.run(
            "document.querySelectorAll('dl-map')[arguments[0]].map.jumpTo({ center: [arguments[1], 43.4], zoom: 15 })",
            number,
            -5.8 - number,
        )
        expected = [-5.8 - number, 43.4, 15]
        browser.wait(
            lambda expected=expected: all(each == pytest.approx(expected, abs=1e-5) for each in browser.run(VIEWS))
        )
    browser.wait(lambda: "at=15/43.4" in browser.driver.current_url)


def test_the_list_tells_either_side(server, browser):
    browser.open(f"{server.url}/{HERE}&compare={day(50)}")
    browser.wait_text("dl-list h2", "5 pictures in view")

    browser.find(".compared-side").click()

    browser.wait_text("dl-list h2", "3 pictures in view")
    assert browser.driver.current_url.endswith("list=before")
    assert [each.get_dom_attribute("aria-pressed") for each in browser.all(".compared-side")] == ["true", "false"]
    browser.find(".card").click()
    browser.find(".facts")
    selected = """
        return [...document.querySelectorAll('dl-map')]
            .map(({ map }) => map.queryRenderedFeatures({ layers: ['selected'] }).length > 0);
    """
    browser.wait(lambda: browser.run(selected) == [True, True], "both maps should mark the opened picture")


def test_the_divider_is_moved_with_keys_and_pointer(server, browser):
    browser.open(f"{server.url}/{HERE}&compare={day(50)}")
    browser.wait(lambda: drawn(browser, 0) == 3)

    def widths():
        return browser.run("return [...document.querySelectorAll('.pane')].map((each) => each.clientWidth)")

    before = widths()
    browser.run("document.querySelector('.divider').focus()")
    browser.press("ARROW_LEFT", "ARROW_LEFT")
    browser.wait(lambda: browser.find(".divider").get_dom_attribute("aria-valuenow") == "40")
    assert widths()[0] < before[0]
    assert widths()[1] > before[1]
    browser.press("HOME")
    assert browser.find(".divider").get_dom_attribute("aria-valuenow") == "15"
    browser.press("ENTER")
    assert widths() == before
    browser.run("""
        const divider = document.querySelector('.divider');
        const { x, y } = divider.getBoundingClientRect();
        divider.setPointerCapture = () => {};
        const at = (type, clientX) => new PointerEvent(type, { clientX, clientY: y + 50, pointerId: 1, bubbles: true });
        const moves = { pointerdown: 0, pointermove: 200, pointerup: 200 };
        for (const [type, moved] of Object.entries(moves)) divider.dispatchEvent(at(type, x + moved));
        divider.dispatchEvent(at('pointermove', x)); // Nobody holds it any more.
    """)
    assert widths()[0] == pytest.approx(before[0] + 200, abs=15)


def test_a_phone_stacks_the_maps(server, browser):
    browser.size(360, 740, is_phone=True)
    browser.open(f"{server.url}/{HERE}&compare={day(50)}")
    browser.wait(lambda: drawn(browser, 0) == 3)

    boxes = browser.run("return [...document.querySelectorAll('dl-map')].map((each) => each.getBoundingClientRect())")
    assert boxes[0]["bottom"] < boxes[1]["top"]
    assert [each["width"] for each in boxes] == [360, 360]
    assert min(each["height"] for each in boxes) > 150
    assert browser.find(".divider").get_dom_attribute("aria-orientation") == "horizontal"
    assert browser.run("return document.documentElement.scrollWidth") == 360


def test_dates_above_the_maps_cannot_cross(server, browser):
    browser.open(f"{server.url}/{HERE}&compare={day(50)}")
    browser.wait(lambda: drawn(browser, 0) == 3)

    browser.run(
        """
        const field = document.querySelector('.pane-after .pane-day');
        field.value = arguments[0];
        field.dispatchEvent(new Event('change'));
        """,
        str(day(120)),
    )

    browser.wait(lambda: browser.driver.current_url.endswith(f"asof={day(120)}&compare={day(120)}"))
    browser.wait(lambda: (drawn(browser, 0), drawn(browser, 1)) == (0, 0))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 1024), (1440, 900)])
def test_axe_finds_nothing_in_a_comparison(server, browser, axe, scheme, width, height):
    browser.size(width, height, is_phone=width < 700)
    browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    browser.open(f"{server.url}/{HERE}&compare={day(50)}")
    browser.wait(lambda: drawn(browser, 0) == 3)

    assert browser.violations(axe) == []
    browser.find(".time-button").click()
    browser.wait(lambda: browser.all(".histogram rect"))
    assert browser.violations(axe) == []
