"""What the page looks like and for whom: sea and land, light and dark, phone, keyboard, axe, no server."""

import httpx
import pytest
import street_drives
from made_bundles import sha256_of

from dashlight.wire import MEDIA_TYPE

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("place", "lat", "lon"),
    [
        ("map-sea", 45.2, -4.5),  # The Bay of Biscay.
        ("map-sea", 42.0, 51.0),  # The Caspian Sea.
        ("map-sea", 0.0, -30.0),
        ("map-sea", 70.0, -179.9),
        ("map-land", 41.7, -4.7),
        ("map-land", 67.5, 178.5),  # Chukotka, close to the antimeridian.
        ("map-land", -80.0, 60.0),
        ("map-land", 39.0, -77.8),
    ],
)
def test_the_basemap_is_sea_where_there_is_sea(server, browser, place, lat, lon):
    browser.open(f"{server.url}/#at=6/{lat}/{lon}")
    browser.wait_map()

    browser.wait(lambda: browser.pixel() == browser.token(f"--{place}"), f"{lat}, {lon} should be {place}")


@pytest.mark.usefixtures("quiet")
def test_the_page_follows_the_wish_for_dark(server, browser):
    browser.open(f"{server.url}/#at=6/45.2/-4.5")
    browser.wait_map()
    light = browser.token("--map-sea")

    browser.prefer(prefers_color_scheme="dark")

    browser.wait(lambda: browser.token("--map-sea") != light)
    browser.wait(lambda: browser.pixel() == browser.token("--map-sea"), "the sea should be dark")


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 1024), (1440, 900)])
def test_axe_finds_nothing(server, browser, axe, scheme, width, height):
    browser.size(width, height, is_phone=width < 700)
    browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list", "No pictures yet")
    assert browser.violations(axe) == []
    server.publish(street_drives.archive(1, count=3))
    browser.wait_text("dl-list h2", "3 pictures in view")
    assert browser.violations(axe) == []

    browser.find(".time-button").click()
    browser.find("#time-popover")
    assert browser.violations(axe) == []
    browser.press("ESCAPE")
    for menu in ("layers", "share"):
        browser.find(f".{menu}-button").click()
        browser.find(f"#{menu}-popover")
        assert browser.violations(axe) == []
        browser.press("ESCAPE")
    browser.find(".search-field").send_keys("uni")
    browser.find(".result")
    assert browser.violations(axe) == []
    browser.press("ESCAPE", "ESCAPE")
    browser.find(".card").click()
    browser.wait(lambda: browser.run("return document.querySelector('.photo-image')?.dataset.loaded") is not None)
    assert browser.violations(axe) == []
    browser.find(".acts button:last-of-type").click()
    browser.find("dialog.dialog")
    assert browser.violations(axe) == []
    browser.press("ESCAPE")
    browser.press("f")
    browser.find("dialog.full")
    assert browser.violations(axe) == []

    for fragment in ("#at=4/43/-5", "#at=12/43.36/-5.85"):
        browser.open(f"{server.url}/{fragment}")
        browser.wait_text("dl-list h2", "3 pictures in view")
        browser.wait_map()
        assert browser.violations(axe) == []
    for language in ("en", "es"):
        browser.open(f"{server.url}/about#{language}")
        browser.wait_text(f"article[lang={language}] .facts-line:not([hidden])", "3")
        assert browser.violations(axe) == []


@pytest.mark.usefixtures("quiet")
def test_everything_is_reached_with_the_keyboard(server, browser):
    server.publish(street_drives.archive(1, count=3))
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "3 pictures in view")
    reached = []

    def focused():
        return browser.run("""
            const e = document.activeElement;
            const name = `${e.tagName.toLowerCase()}.${e.className.split(' ')[0]}`;
            return e.dataset?.id ? `${name}#${e.dataset.id}` : name;
        """)

    for _ in range(20):
        browser.press("TAB")
        reached.append(focused())
        if reached[-1].startswith("body"):
            break

    cards = [each for each in reached if each.startswith("button.card")]
    assert len(cards) == 3
    assert {"input.field", "a.button", "canvas.maplibregl-canvas"} <= set(reached)
    assert any("maplibregl-ctrl-zoom-in" in each for each in reached)

    browser.run(f"document.querySelector('[data-id=\"{cards[0].split('#')[1]}\"]').focus()")
    browser.press("ENTER")
    browser.wait(lambda: browser.run("return document.activeElement.className") == "viewer-title")
    browser.press("ESCAPE")
    browser.wait(lambda: focused() == cards[0], "the focus should return to the card")


@pytest.mark.usefixtures("quiet")
def test_a_phone_shows_a_sheet_and_nothing_is_too_wide_or_too_small(server, browser):
    server.publish(street_drives.archive(1, count=3))
    browser.size(360, 740, is_phone=True)
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "3 pictures in view")

    def check():
        assert browser.run("return document.documentElement.scrollWidth") == 360
        small = browser.run("""
            return [...document.querySelectorAll('button, .button, input[type=text]')]
                .filter((e) => e.checkVisibility() && e.getClientRects().length)
                .map((e) => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
                .filter(([, { width, height }]) => Math.round(Math.min(width, height)) < 44);
        """)
        assert small == []

    check()
    sheet = browser.find("dl-panel")
    middle = sheet.rect["height"]
    browser.find(".sheet-handle").send_keys("\ue013")
    browser.wait(lambda: sheet.rect["height"] > middle)
    check()
    browser.find(".card").click()
    browser.find(".viewer-title")
    check()
    browser.open(f"{server.url}/about")
    check()


def test_without_the_server_the_page_says_so_and_recovers_by_itself(process, browser):
    archive = street_drives.archive(1, count=3)
    _put(process, archive)
    browser.open(f"{process.url}/{HERE}")
    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.wait(lambda: browser.run("return document.querySelector('dl-panel').page.feed.up"))

    process.stop()

    browser.wait_text("[data-state=offline]", "No connection to the server")
    browser.wait_text("[data-live]", "No connection to the server")
    assert len(browser.all(".card")) == 3  # What was there stays.

    process.start()
    _put(process, street_drives.archive(2, count=2))
    # It may have connected again by itself already, and the button be gone.
    browser.run("document.querySelector('[data-state=offline] button')?.click()")

    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.wait(lambda: not browser.all("[data-state=offline]"))


def test_a_list_that_fails_says_why_and_can_be_tried_again(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list", "No pictures yet")
    browser.run("""
        window.fetchBefore = window.fetch;
        window.fetch = async () => new Response('{"detail": "the disk is full"}', { status: 507 });
        document.querySelector('dl-panel').page.view.reload();
    """)
    browser.wait_text("dl-list", "The server answered: the disk is full")

    browser.run("window.fetch = window.fetchBefore")
    browser.find("[data-state=failed] button").click()

    browser.wait_text("dl-list", "No pictures yet")


def test_a_browser_that_cannot_draw_the_map_still_lists_the_pictures(server, browser):
    server.publish(street_drives.archive(1, count=3))
    source = "HTMLCanvasElement.prototype.getContext = () => null"
    script = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        browser.open(server.url)

        browser.wait_text("dl-panel .notice", "cannot be drawn")
        browser.wait_text("dl-list h2", "3 pictures in view")
        browser.find(".card").click()
        browser.wait(lambda: browser.run("return document.querySelector('.photo-image')?.naturalWidth") == 640)
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_a_link_to_no_picture_says_so(server, browser):
    browser.open(f"{server.url}/#picture=9cec1a61-4ffd-4f88-a014-50f138409b38")
    browser.wait_text("dl-viewer", "There is no such picture")

    browser.find("[data-state=pictureUnknown] button").click()

    browser.wait_text("dl-list", "No pictures yet")


@pytest.mark.usefixtures("quiet")
def test_with_reduced_motion_nothing_pulses(server, browser):
    browser.prefer(prefers_reduced_motion="reduce")
    browser.open(f"{server.url}/{HERE}")
    browser.wait_map()
    browser.wait(lambda: browser.run("return document.querySelector('dl-panel').page.feed.up"))
    browser.run("""
        window.pulses = 0;
        new MutationObserver((all) => all.forEach(({ addedNodes }) => addedNodes.forEach((each) => {
            if (each.classList?.contains('pulse')) window.pulses += 1;
        }))).observe(document, { childList: true, subtree: true });
    """)

    server.publish(street_drives.archive(1, count=3))

    browser.wait_text("dl-list h2", "3 pictures in view")
    assert browser.run("return window.pulses") == 0


@pytest.mark.usefixtures("quiet")
def test_the_page_speaks_spanish(server, browser):
    server.publish(street_drives.archive(1, count=2))

    browser.open(f"{server.url}/?lang=es{HERE}")

    browser.wait_text("dl-list h2", "2 imágenes a la vista")
    assert browser.run("return document.documentElement.lang") == "es"
    keys = browser.module("""
        const { catalogues } = await import('/assets/strings/map.js');
        return Object.values(catalogues).map((each) => Object.keys(each));
    """)
    assert keys[0] == keys[1]


def _put(process, archive):
    headers = {"Authorization": f"Bearer {process.tokens.pop()}", "Content-Type": MEDIA_TYPE}
    reply = httpx.put(f"{process.url}/v1/bundles/{sha256_of(archive)}", content=archive, headers=headers, timeout=30)
    assert reply.status_code == 201, reply.text
