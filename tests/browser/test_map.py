"""The main job in a real browser: a picture arrives, is opened, stepped through, reported, and goes."""

from datetime import UTC, datetime, timedelta

import h3
import pytest
import street_drives

from dashlight.ingest.personal import publish_staged
from dashlight.model import LonLat, Policy, destination

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"
pytestmark = pytest.mark.usefixtures("quiet")


def ids(server):
    return [each["id"] for each in server.client.get("/v1/pictures?limit=500").json()["features"]]


def test_a_picture_arrives_live_opens_steps_is_reported_and_goes(server, browser):
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list", "No pictures yet")
    browser.run("window.isSamePage = true")
    browser.wait_map()
    browser.wait(lambda: browser.run("return document.querySelector('dl-panel').page.feed.up"))

    server.publish(street_drives.archive(1, count=5))

    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.wait_text("[data-live]", "5 new pictures just now")
    published = set(ids(server))
    browser.wait(lambda: browser.drawn() == published, "the map should draw the pictures")
    assert browser.run("return window.isSamePage")

    browser.find(".card").click()
    browser.wait(lambda: "picture=" in browser.driver.current_url)
    browser.wait(lambda: browser.run("return document.querySelector('.photo-image')?.naturalWidth") == 640)
    last = browser.text(".viewer-title")
    browser.press("ARROW_LEFT")
    browser.wait(lambda: browser.text(".viewer-title") != last)
    browser.press("ARROW_RIGHT")
    browser.wait_text(".viewer-title", last)
    browser.wait(lambda: browser.run("return document.querySelector('dl-viewer').page.opened.neighbours.next") is None)
    browser.press("ARROW_RIGHT")
    browser.wait_text(".said", "No picture further this way.")

    opened = browser.driver.current_url.split("picture=")[1]
    browser.find(".acts button:last-of-type").click()
    browser.find("input[value=blur_missing]").click()
    browser.find("dialog [type=submit]").click()

    browser.wait_text(".said", "The picture is hidden now")
    browser.wait_text("dl-viewer", "no longer public")
    browser.find("[data-state=pictureGone] button").click()
    browser.wait_text("dl-list h2", "4 pictures in view")
    browser.wait(lambda: opened not in browser.drawn(), "the map should not draw what is hidden")
    assert server.client.get(f"/v1/pictures/{opened}/picture.jpg").status_code == 410


def test_another_reader_sees_a_hidden_picture_go(server, browser):
    server.publish(street_drives.archive(1, count=2))
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "2 pictures in view")
    browser.wait(lambda: browser.run("return document.querySelector('dl-panel').page.feed.up"))
    gone = ids(server)[0]

    server.client.post(f"/v1/pictures/{gone}/report", json={"issue": "privacy", "comment": ""})

    browser.wait_text("dl-list h2", "1 picture in view")
    browser.wait(lambda: gone not in browser.drawn(), "the map should not draw what is hidden")
    browser.wait_text("[data-live]", "taken off the map")


def test_without_a_sequence_the_arrow_goes_to_the_nearest_picture_ahead(server, browser):
    server.publish(street_drives.archive(1, count=3, apart_m=10, is_sequence=False))
    first, second = (server.client.get("/v1/pictures").json()["features"][at]["id"] for at in (-1, -2))
    browser.open(f"{server.url}/{HERE}&picture={first}")
    ahead = "return document.querySelector('dl-viewer')?.page.opened.neighbours.next"
    browser.wait(lambda: browser.run(ahead) == second)

    browser.press("ARROW_RIGHT")

    browser.wait(lambda: second in browser.driver.current_url)


def test_keys_pressed_faster_than_the_server_answers_are_not_lost(server, browser):
    server.publish(street_drives.archive(1, count=4))
    in_order = [each["id"] for each in server.client.get("/v1/pictures").json()["features"]][::-1]
    browser.open(f"{server.url}/{HERE}&picture={in_order[0]}")
    browser.find(".viewer-title")

    for following in in_order[1:]:
        browser.press("ARROW_RIGHT")
        browser.wait(lambda following=following: following in browser.driver.current_url)


def test_where_a_drive_ends_the_arrow_goes_on_along_another(server, browser):
    server.publish(street_drives.archive(1, count=2, heading_deg=90, apart_m=10))
    further = destination(street_drives.OVIEDO, 90, 25)
    server.publish(street_drives.archive(2, count=2, heading_deg=90, apart_m=10, start=further))
    by_place = sorted(
        server.client.get("/v1/pictures").json()["features"], key=lambda each: each["geometry"]["coordinates"][0]
    )
    second, third = by_place[1]["id"], by_place[2]["id"]
    browser.open(f"{server.url}/{HERE}&picture={second}")
    ahead = "return document.querySelector('dl-viewer')?.page.opened.neighbours.next"
    browser.wait(lambda: browser.run(ahead) == third)

    browser.find(".step-next").click()

    browser.wait(lambda: third in browser.driver.current_url)


def test_more_arrivals_than_a_list_holds_are_counted_all_the_same(server, browser):
    browser.open(f"{server.url}/#at=15/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}")
    browser.wait_text("dl-list", "No pictures yet")
    browser.wait(lambda: browser.run("return document.querySelector('dl-panel').page.feed.up"))

    server.publish(street_drives.archive(1, count=150, apart_m=5, bend_deg=30))

    browser.wait_text("dl-list h2", "150 pictures in view")
    browser.wait(lambda: len(browser.all(".card")) == 40, "the list should have been asked for anew")
    browser.find(".more").click()
    browser.wait(lambda: len(browser.all(".card")) == 80)


def test_a_personal_picture_tells_no_more_than_its_policy(server, browser):
    archive = street_drives.archive(
        1, count=1, policy=Policy.PERSONAL, started_at=datetime(2026, 11, 19, 13, 45, tzinfo=UTC)
    )
    reply = server.put(archive, policy=Policy.PERSONAL)
    assert reply.status_code == 201, reply.text
    publish_staged(server.store.database, server.store.objects)

    browser.open(f"{server.url}/#picture={ids(server)[0]}")

    browser.wait_text(".viewer-title", "November 2026")
    browser.wait_text(".fact-policy", "only the week or month is told")
    assert browser.text(".viewer-title") == "November 2026"


def test_a_link_restores_view_picture_and_dates_and_back_works(server, browser):
    server.publish(street_drives.archive(1, count=3))
    picture = ids(server)[0]
    today = datetime.now(UTC).date()
    start = today - timedelta(days=3)
    link = f"{server.url}/#at=16.5/43.3621/-5.8488&picture={picture}&from={start}"

    browser.open(link)

    browser.wait_text(".viewer-title", str(today.year))
    assert browser.run("return document.querySelector('dl-panel').page.opened.id") == picture
    browser.wait_text(".time-label", f"From {start.day} ")
    view = browser.run(
        "const m = document.querySelector('dl-map').map; return [m.getZoom(), m.getCenter().lat, m.getCenter().lng]"
    )
    assert view == pytest.approx([16.5, 43.3621, -5.8488], abs=1e-4)

    browser.find(".viewer-head button").click()
    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.find(".card").click()
    browser.find(".viewer-title")
    browser.driver.back()
    browser.wait_text("dl-list h2", "3 pictures in view")
    browser.driver.forward()
    browser.find(".viewer-title")


def test_dates_filter_the_list_and_the_map_and_can_be_cleared(server, browser):
    long_ago = datetime(2026, 3, 2, 9, tzinfo=UTC)
    server.publish(street_drives.archive(1, count=3, started_at=long_ago))
    server.publish(street_drives.archive(2, count=2, start=LonLat(-5.848, 43.3622)))
    browser.open(f"{server.url}/{HERE}")
    browser.wait_text("dl-list h2", "5 pictures in view")

    browser.find(".time-button").click()
    browser.wait(lambda: browser.all(".histogram rect"))
    browser.find(".presets button").click()

    browser.wait_text("dl-list h2", "2 pictures in view")
    browser.wait(lambda: len(browser.drawn()) == 2, "the map should draw the pictures of the week")
    browser.open(f"{server.url}/{HERE}&from=2026-04-01&to=2026-04-02")
    browser.wait_text("dl-list", "No pictures in these dates")
    browser.find("[data-state=emptyDates] button").click()
    browser.wait_text("dl-list h2", "5 pictures in view")
    browser.open(f"{server.url}/{HERE}&from=2026-03-02&to=2026-03-02")
    browser.wait_text("dl-list h2", "3 pictures in view")
    assert browser.text(".time-label") == "2 Mar 2026"


def test_a_map_that_is_empty_here_shows_the_way_to_the_pictures(server, browser):
    server.publish(street_drives.archive(1, count=2))
    browser.open(f"{server.url}/#at=9/40/20")
    browser.wait_text("dl-list", "No pictures here yet")

    browser.find("[data-state=empty] button").click()

    browser.wait_text("dl-list h2", "2 pictures in view")


@pytest.mark.parametrize("zoom", [2, 6, 9])
def test_the_list_has_every_area_once(server, browser, zoom):
    for number, bearing in enumerate(range(0, 360, 60)):
        start = destination(street_drives.OVIEDO, bearing, 9_000)
        server.publish(street_drives.archive(number, count=2, start=start))
    browser.open(f"{server.url}/#at={zoom}/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}")
    browser.wait_text("dl-list h2", "12 pictures in view")
    areas = "return document.querySelector('dl-panel').page.areas.map(({ n }) => n)"

    browser.wait(lambda: sum(browser.run(areas)) == 12, "the areas together should hold 12 pictures")

    if zoom == 9:
        assert len(browser.run(areas)) > 1


@pytest.mark.parametrize("zoom", [3, 7, 10, 12, 13, 15, 18])
def test_pictures_are_drawn_at_every_zoom(server, browser, zoom):
    server.publish(street_drives.archive(1, count=6))
    browser.open(f"{server.url}/#at={zoom}/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}")

    found = browser.wait(
        lambda: browser.run("""
            const { map } = document.querySelector('dl-map');
            const layers = ['coverage', 'streets', 'road'].filter((id) => map?.getLayer(id));
            return layers.length && map.queryRenderedFeatures({ layers }).map(({ layer }) => layer.id);
        """)
    )

    assert set(found) == {"coverage" if zoom < 11 else "streets" if zoom < 14 else "road"}


def test_the_picture_fills_the_screen_zooms_and_escape_leaves(server, browser):
    server.publish(street_drives.archive(1, count=2))
    browser.open(f"{server.url}/{HERE}&picture={ids(server)[0]}")
    browser.wait(lambda: browser.run("return document.querySelector('.photo-image')?.dataset.loaded") is not None)

    browser.press("f")
    browser.find("dialog.full")
    browser.press("+", "+")
    browser.wait(lambda: browser.run("return document.querySelector('dl-photo').zoom") > 2)
    browser.press("ESCAPE")
    browser.wait(lambda: not browser.all("dialog.full"))
    browser.press("ESCAPE")

    browser.wait_text("dl-list h2", "2 pictures in view")


def test_search_goes_to_names_coordinates_cells_and_links(server, browser):
    cell = h3.latlng_to_cell(street_drives.OVIEDO.lat, street_drives.OVIEDO.lon, 10)
    places = {
        "Portu": ("Portugal", (-7.8, 40.7, 1.0)),
        "48.8584, 2.2945": ("48.85840° N", (2.2945, 48.8584, 0.001)),
        cell: (cell, (street_drives.OVIEDO.lon, street_drives.OVIEDO.lat, 0.002)),
        "https://example.org/#map=15/52.5163/13.3977": ("52.51630° N", (13.3977, 52.5163, 0.001)),
    }
    browser.prefer(prefers_reduced_motion="reduce")
    browser.open(server.url)
    browser.wait_map()

    def is_at(lon, lat, within):
        centre = browser.run("const c = document.querySelector('dl-map').map.getCenter(); return [c.lng, c.lat]")
        return centre == pytest.approx([lon, lat], abs=within)

    for typed, (first, place) in places.items():
        field = browser.find(".search-field")
        field.clear()
        field.send_keys(typed)
        browser.wait_text(".result[aria-selected=true]", first)

        browser.press("ENTER")

        browser.wait(lambda place=place: is_at(*place), typed)
