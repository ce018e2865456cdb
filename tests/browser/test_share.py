"""What leaves the page: links, the map inside other pages, files, and the page of one picture."""

import csv
import io
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import street_drives
from servers import served

from dashlight.model import LonLat, Policy

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def _streets(tmp_path_factory):
    with served(tmp_path_factory.mktemp("share") / "data", name='Streets "& <b>more') as running:
        running.publish(street_drives.archive(1, count=3))
        running.publish(
            street_drives.archive(
                2, count=2, start=LonLat(-5.8492, 43.3621), policy=Policy.OPEN, attribution="Lena, Maps"
            ),
            policy=Policy.OPEN,
        )
        yield running


@pytest.fixture
def server(_streets):
    return _streets


@pytest.fixture
def stranger():
    """Another site, whose only page is given to it."""
    pages = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[-1].encode())

        def log_message(self, *_):
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    site.show = pages.append
    site.url = f"http://localhost:{site.server_port}/"
    yield site
    site.shutdown()
    site.server_close()


def saved(browser):
    """Keep what the page would save, instead of saving it."""
    browser.run("""
        window.saved = [];
        URL.createObjectURL = (blob) => {
            blob.text().then((text) => window.saved.push([blob.type, text]));
            return '#';
        };
        HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };
    """)


@pytest.mark.usefixtures("quiet")
def test_the_link_restores_everything(server, browser):
    fragment = f"#at=16.5/43.3621/-5.8488&asof={TODAY}&policy=open&heading=45&layer=amount&names=off"
    browser.open(f"{server.url}/{fragment}")
    browser.wait_text("dl-list h2", "2 pictures in view")
    browser.find(".card").click()
    browser.find(".facts")

    browser.find(".share-button").click()
    link = browser.wait(lambda: browser.run("return document.querySelector('#share-link')?.value"))

    assert link == browser.driver.current_url
    assert "picture=" in link
    browser.open(link)
    browser.find(".facts")
    shown = browser.run("return document.querySelector('dl-panel').page.state.shown")
    assert (shown["asof"], shown["policies"], shown["heading"]) == (str(TODAY), ["open"], 45)
    assert (shown["layer"], shown["names"]) == ("amount", False)


@pytest.mark.usefixtures("quiet")
def test_copying_says_so_and_shows_what_when_it_may_not(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.find(".share-button").click()
    browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")

    browser.find("#share-link ~ button").click()

    browser.wait_text(".share-said", "Copied")
    assert browser.run("return window.copied === document.querySelector('#share-link').value")
    browser.run("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    browser.find("#share-embed ~ button").click()
    browser.wait_text(".share-said", "Selected: copy it")
    selected = "const { selectionStart, selectionEnd, value } = document.querySelector('#share-embed');"
    assert browser.run(f"{selected} return selectionStart === 0 && selectionEnd === value.length")


def test_the_piece_of_html_shows_the_map_on_another_site(server, browser, stranger):
    browser.open(f"{server.url}/{HERE}&policy=fleet")
    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.find(".share-button").click()
    code = browser.wait(lambda: browser.run("return document.querySelector('#share-embed')?.value"))
    stranger.show(f'<!doctype html><html lang="en"><title>News</title><body style="width:800px">{code}')

    browser.open(stranger.url)
    frame = browser.find("iframe")
    assert frame.get_dom_attribute("title") == 'Streets "& <b>more'
    browser.driver.switch_to.frame(frame)
    try:
        browser.wait_text("dl-list h2", "3 pictures in view")
        browser.wait(lambda: len(browser.drawn()) == 3, "the map should draw the pictures")
        assert not browser.find("dl-map").rect["y"]
        assert not browser.run("return document.querySelector('.bar').checkVisibility()")
        assert browser.text(".strip-name") == 'Streets "& <b>more'
        opening = browser.find(".strip-open")
        assert (opening.get_dom_attribute("href"), opening.get_dom_attribute("target")) == (
            browser.run("return `/${location.hash}`"),
            "_blank",
        )
        browser.find(".card").click()
        browser.find(".facts")
        # Who frames the map could make people click: nothing in it changes anything.
        assert [each.text for each in browser.all(".acts .button")] == ["Copy link", "Download", "Open its page"]
    finally:
        browser.driver.switch_to.default_content()


def test_another_site_may_frame_nothing_else(server, browser, stranger):
    picture = server.client.get("/v1/pictures").json()["features"][0]["id"]
    paths = ["/", "/about", f"/p/{picture}"]
    stranger.show("".join(f'<iframe src="{server.url}{each}"></iframe>' for each in paths))

    browser.open(stranger.url)

    frames = browser.all("iframe")
    assert len(frames) == len(paths)
    for frame in frames:
        browser.driver.switch_to.frame(frame)
        try:
            assert not browser.all("#instance-name, .site-name")
        finally:
            browser.driver.switch_to.default_content()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 480), (800, 480)])
def test_axe_finds_nothing_in_the_embedded_map(server, browser, axe, scheme, width, height):
    browser.size(width, height, is_phone=width < 700)
    browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")

    browser.open(f"{server.url}/embed{HERE}")

    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.wait_text(".strip", "Open the map")
    assert browser.violations(axe) == []


@pytest.mark.usefixtures("quiet")
def test_what_is_listed_is_saved_as_geojson(server, browser):
    browser.open(f"{server.url}/{HERE}&policy=open")
    browser.wait_text("dl-list h2", "2 pictures in view")
    saved(browser)
    browser.find(".share-button").click()
    browser.find("[data-format=geojson]").click()

    browser.wait_text(".share-said", "Saved: 2 pictures.")
    media_type, text = browser.wait(lambda: browser.run("return window.saved[0]"))
    found = json.loads(text)
    assert media_type == "application/geo+json"
    assert browser.run("return window.savedAs") == f"pictures-{TODAY}.geojson"
    assert found["license"] == ["CC-BY-SA-4.0"]
    assert found["license_url"] == ["https://creativecommons.org/licenses/by-sa/4.0/"]
    assert found["attribution"] == 'Lena, Maps, Streets "& <b>more'
    assert found["is_complete"]
    assert found["asked_for"]["policies"] == ["open"]
    told = {each["id"]: each for each in server.client.get("/v1/pictures?policy=open").json()["features"]}
    assert {each["id"] for each in found["features"]} == set(told)
    for each in found["features"]:
        assert each["geometry"] == told[each["id"]]["geometry"]
        assert told[each["id"]]["properties"].items() <= each["properties"].items()
        page = f"{server.url}/p/{each['id']}"
        assert each["properties"]["page"] == page
        assert each["properties"]["credit"] == f'Lena, Maps, Streets "& <b>more ({page}), CC BY-SA 4.0'
        assert server.client.get(each["properties"]["picture"]).status_code == 200


@pytest.mark.usefixtures("quiet")
def test_what_is_listed_is_saved_as_a_table(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    saved(browser)
    browser.find(".share-button").click()
    browser.find("[data-format=csv]").click()

    browser.wait_text(".share-said", "Saved: 5 pictures.")
    _, text = browser.wait(lambda: browser.run("return window.saved[0]"))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 5
    assert {row["license"] for row in rows} == {"CC-BY-SA-4.0"}
    assert sorted(row["attribution"] for row in rows) == ["", "", "", "Lena, Maps", "Lena, Maps"]
    features = {each["id"]: each for each in server.client.get("/v1/pictures").json()["features"]}
    for row in rows:
        assert [float(row["lon"]), float(row["lat"])] == features[row["id"]]["geometry"]["coordinates"]
        assert row["page"].endswith(f"/p/{row['id']}")


@pytest.mark.usefixtures("quiet")
def test_a_file_has_a_bound_and_says_so(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")

    found = browser.module("""
        const { asGeoJson, collected } = await import('/assets/map/download.js');
        const { EVERYTHING } = await import('/assets/map/wanted.js');
        const { bounds } = document.querySelector('dl-panel').page.view;
        const told = [];
        const options = { signal: new AbortController().signal, onProgress: (n) => told.push(n), most: 3 };
        const { pictures, isCut } = await collected(bounds, EVERYTHING, options);
        const source = { name: 'Test', origin: location.origin, wanted: EVERYTHING, bounds, isCut, at: new Date() };
        return [pictures.length, isCut, told, JSON.parse(asGeoJson(pictures, source)).is_complete];
    """)

    assert found == [3, True, [3], False]


@pytest.mark.usefixtures("quiet")
def test_a_busy_server_is_asked_again_when_it_says(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")

    found = browser.module("""
        const { collected } = await import('/assets/map/download.js');
        const { EVERYTHING } = await import('/assets/map/wanted.js');
        const { bounds } = document.querySelector('dl-panel').page.view;
        const before = window.fetch;
        let refusals = 1;
        window.fetch = (...asked) => refusals-- > 0
            ? Promise.resolve(new Response('{}', { status: 429, headers: { 'retry-after': '1' } })) : before(...asked);
        const options = { signal: new AbortController().signal, onProgress: () => {} };
        const { pictures, isCut } = await collected(bounds, EVERYTHING, options);
        window.fetch = before;
        return [pictures.length, isCut];
    """)

    assert found == [5, False]


@pytest.mark.usefixtures("quiet")
def test_a_table_holds_no_formulas(server, browser):
    browser.open(f"{server.url}/")

    fields = browser.module("""
        const { csvField } = await import('/assets/map/download.js');
        return ['=1+1', '@a', '+a', '-a', '\\ta', 'plain', 'a,b', 'a"b', 'a\\nb', -5.8, 0, null].map(csvField);
    """)

    assert fields == ["'=1+1", "'@a", "'+a", "'-a", "'\ta", "plain", '"a,b"', '"a""b"', '"a\nb"', "-5.8", "0", ""]


def test_a_file_that_cannot_be_made_says_why(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")
    saved(browser)
    browser.find(".share-button").click()
    browser.find("[data-format=csv]")
    browser.run("""
        const before = window.fetch;
        window.fetch = (url, options) => String(url).includes('limit=500')
            ? Promise.resolve(new Response('{"detail": "the disk is away"}', { status: 503 })) : before(url, options);
    """)

    browser.find("[data-format=csv]").click()

    browser.wait_text(".share-said", "Nothing was saved: the disk is away")
    assert browser.run("return window.saved") == []


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_the_page_of_a_picture_reads_and_leads_back_to_the_map(server, browser, axe, scheme, width, height):
    picture = server.client.get("/v1/pictures?policy=open").json()["features"][0]["id"]
    browser.size(width, height, is_phone=width < 700)
    browser.prefer(prefers_color_scheme=scheme)

    browser.open(f"{server.url}/p/{picture}")

    browser.wait_text("h1", "Street picture in or near Spain")
    browser.wait(lambda: browser.run("return document.querySelector('.picture-shown img').naturalWidth") == 640)
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.violations(axe) == []
    browser.find(".picture-acts .primary").click()
    browser.find(".facts")
    assert browser.run("return document.querySelector('dl-panel').page.opened.id") == picture


@pytest.mark.usefixtures("quiet")
def test_the_viewer_copies_the_link_of_the_pictures_page(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.find(".card").click()
    browser.find(".facts")
    picture = browser.driver.current_url.split("picture=")[1]
    browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")

    browser.find(".acts button").click()

    browser.wait_text(".said", "Link copied")
    assert browser.run("return window.copied") == f"{server.url}/p/{picture}"


def test_a_picture_that_is_gone_says_so_in_words(tmp_path, browser, axe):
    with served(tmp_path / "data") as server:
        server.publish(street_drives.archive(1, count=1))
        picture = server.client.get("/v1/pictures").json()["features"][0]["id"]
        server.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy", "comment": ""})

        browser.open(f"{server.url}/p/{picture}?lang=es")

        browser.wait_text("h1", "Esta imagen ya no es pública")
        assert browser.violations(axe) == []
