"""The main job in a second browser, whose engine shares nothing with the first one's."""

import pytest
import street_drives
from firefox import Firefox, missing

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"


@pytest.fixture(scope="module")
def _firefox(tmp_path_factory):
    absent = missing()
    if absent:
        pytest.skip(f"{' and '.join(absent)} not installed; `make browser-deps` does it on Debian")
    firefox = Firefox(tmp_path_factory.mktemp("firefox"))
    yield firefox
    firefox.quit()


@pytest.fixture
def firefox(_firefox, server):
    """The browser; afterwards nothing was asked of other origins and nothing written to the console."""
    _firefox.forget()
    yield _firefox
    _firefox.open("about:blank")
    asked = [url for url in _firefox.requested() if not url.startswith((server.url, "data:", "blob:", "about:"))]
    assert not asked
    assert not [words for words in _firefox.console() if "WebGL" not in words]


def test_firefox_draws_the_map_fills_the_list_and_opens_a_picture(server, firefox, axe):
    firefox.open(f"{server.url}/{HERE}")
    firefox.wait_text("dl-list", "No pictures yet")
    firefox.wait(lambda: firefox.run("return document.querySelector('dl-panel').page.feed.up"))

    server.publish(street_drives.archive(1, count=3))

    firefox.wait_text("dl-list h2", "3 pictures in view")
    firefox.wait_map()
    firefox.wait(lambda: len(firefox.drawn()) == 3, "the map should draw the pictures")
    assert firefox.violations(axe) == []

    firefox.click(".card")
    firefox.wait(lambda: firefox.run("return document.querySelector('.photo-image')?.naturalWidth") == 640)
    last = firefox.text(".viewer-title")
    firefox.press("ARROW_LEFT")
    firefox.wait(lambda: firefox.text(".viewer-title") != last)
    assert firefox.violations(axe) == []
    firefox.press("f")
    firefox.wait(lambda: firefox.run("return document.querySelector('dialog.full')?.open"))
    firefox.press("+", "+")
    firefox.wait(lambda: firefox.run("return document.querySelector('dl-photo').zoom") > 2)
    firefox.press("ESCAPE", "ESCAPE")
    firefox.wait_text("dl-list h2", "3 pictures in view")


def test_firefox_reports_a_picture_and_sees_it_go(server, firefox):
    server.publish(street_drives.archive(1, count=2))
    firefox.open(f"{server.url}/{HERE}")
    firefox.wait_text("dl-list h2", "2 pictures in view")
    firefox.click(".card")
    firefox.click(".acts button:last-of-type")
    firefox.click("input[value=blur_missing]")
    firefox.click("dialog [type=submit]")

    firefox.wait_text(".said", "The picture is hidden now")
    firefox.click("[data-state=pictureGone] button")
    firefox.wait_text("dl-list h2", "1 picture in view")


@pytest.mark.parametrize("zoom", [4, 12])
def test_firefox_draws_coverage_and_streets(server, firefox, zoom):
    server.publish(street_drives.archive(1, count=6))

    firefox.open(f"{server.url}/#at={zoom}/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}")

    layer = "coverage" if zoom < 11 else "streets"
    firefox.wait(
        lambda: firefox.run(
            """
            const { map } = document.querySelector('dl-map');
            return map?.getLayer(arguments[0]) && map.queryRenderedFeatures({ layers: [arguments[0]] }).length;
            """,
            layer,
        )
    )


def test_firefox_compares_filters_and_shares(server, firefox, axe):
    server.publish(street_drives.archive(1, count=3))
    firefox.open(f"{server.url}/{HERE}&compare=2026-01-01&policy=fleet")
    firefox.wait_text("dl-list h2", "3 pictures in view")
    firefox.wait(lambda: firefox.run("return document.querySelectorAll('dl-map').length") == 2)
    views = """
        return [...document.querySelectorAll('dl-map')].map(({ map }) => map?.getZoom().toFixed(3)).join();
    """
    firefox.run("document.querySelector('#map').map.jumpTo({ zoom: 15 })")
    firefox.wait(lambda: firefox.run(views) == "15.000,15.000", "the maps should be in step")
    assert firefox.violations(axe) == []

    for menu in ("layers", "share"):
        firefox.click(f".{menu}-button")
        firefox.wait(
            lambda menu=menu: firefox.run(f"return document.querySelector('#{menu}-popover').checkVisibility()")
        )
        assert firefox.violations(axe) == []
        firefox.press("ESCAPE")


def test_firefox_tells_about_the_map(server, firefox, axe):
    firefox.open(f"{server.url}/about#es")

    firefox.wait_text("article[lang=es] .facts-line:not([hidden])", "no tiene imágenes todavía")
    assert firefox.violations(axe) == []
