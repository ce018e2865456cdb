"""The viewer of the Panoramax project, as its registry has it, shows our map and our pictures.

It is served from a site of its own, as on somebody else's page, and everything that it would ask of hosts elsewhere
(presets, place names, its own basemap) is out of reach.
"""

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest
import street_drives

BUILD = Path(__file__).parents[2] / "node_modules" / "@panoramax" / "web-viewer" / "build"
AT = street_drives.OVIEDO
PATIENCE_S = 120  # It draws in three dimensions, here without a graphics card.

pytestmark = pytest.mark.skipif(
    not (BUILD / "index.js").is_file(), reason="@panoramax/web-viewer is not in node_modules: run `npm ci`"
)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Somebody's page</title>
<link rel="stylesheet" href="index.css">
<style>html, body {{ margin: 0 }} pnx-viewer {{ position: fixed; inset: 0 }}</style>
<script defer src="index.js"></script></head>
<body><pnx-viewer endpoint="{api}" lang="en" map-style='{style}'></pnx-viewer></body></html>
"""


def map_style(url):
    """Return a basemap that needs nobody else: a plain ground, and our own count of pictures by cell."""
    return {
        "version": 8,
        "sources": {
            "ground": {"type": "vector", "tiles": [url + "/v1/tiles/{z}/{x}/{y}.mvt"], "minzoom": 0, "maxzoom": 13}
        },
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": "#eef0ea"}},
            {
                "id": "streets",
                "type": "circle",
                "source": "ground",
                "source-layer": "streets",
                "paint": {"circle-color": "#d5d9cd", "circle-radius": 6},
            },
        ],
    }


class Site(http.server.SimpleHTTPRequestHandler):
    """The viewer's files, and one page of our own."""

    page = b""

    def do_GET(self):
        if self.path.partition("?")[0] != "/page.html":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


@pytest.fixture
def site(server):
    """Return the address of somebody's page with the viewer on it."""
    style = json.dumps(map_style(server.url))
    page = PAGE.format(api=server.url + "/api", style=style).encode()
    handler = type("OfThisTest", (Site,), {"page": page})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(BUILD))) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/page.html"
        running.shutdown()
        thread.join()


@pytest.fixture
def alone(browser):
    """Keep the page from every host but this machine."""
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["https://*"]})
    yield browser
    browser.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


def ready(browser):
    """Wait until the viewer has its map, and a picture when it was asked for one."""
    script = "return document.querySelector('pnx-viewer').{} ?? null"
    browser.wait(
        lambda: browser.run(script.format("api?.isReady()")), "the viewer should know the API", timeout_s=PATIENCE_S
    )
    browser.wait(
        lambda: browser.run(script.format("map?.loaded()")), "the viewer should have its map", timeout_s=PATIENCE_S
    )


def drawn(browser, layer):
    """Return the properties of what the viewer's map draws of a layer."""
    return browser.run(
        """
        const { map } = document.querySelector('pnx-viewer');
        const layers = [arguments[0]].filter((id) => map.getLayer(id));
        return layers.length ? map.queryRenderedFeatures({ layers }).map((f) => f.properties) : [];
        """,
        layer,
    )


def test_it_draws_lines_and_points_and_opens_what_is_clicked(server, site, alone, tmp_path):
    receipt = server.publish(street_drives.archive(1, count=40))
    published = set(map(str, receipt.picture_ids))
    alone.open(f"{site}?focus=map&map=18.5/{AT.lat}/{AT.lon}")
    ready(alone)

    alone.wait(lambda: drawn(alone, "geovisio_pictures"), "the viewer should draw pictures", timeout_s=PATIENCE_S)
    alone.wait(lambda: drawn(alone, "geovisio_sequences"), "the viewer should draw a line", timeout_s=PATIENCE_S)
    assert {each["id"] for each in drawn(alone, "geovisio_pictures")} <= published
    (sequence,) = {each["id"] for each in drawn(alone, "geovisio_sequences")}
    alone.driver.save_screenshot(str(tmp_path / "map.png"))

    lon, lat = server.client.get(f"/v1/pictures/{receipt.picture_ids[3]}").json()["geometry"]["coordinates"]
    x, y = alone.run(
        """
        const { map } = document.querySelector('pnx-viewer');
        const at = map.project([...arguments]);
        const box = map.getCanvas().getBoundingClientRect();
        return [Math.round(box.x + at.x), Math.round(box.y + at.y)];
        """,
        lon,
        lat,
    )
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        alone.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    shown = "return document.querySelector('pnx-viewer').psv?.getPictureMetadata()?.{} ?? null"
    alone.wait(lambda: alone.run(shown.format("id")) in published, "the picture should open", timeout_s=PATIENCE_S)
    assert alone.run(shown.format("sequence.id")) == sequence


def test_it_opens_a_picture_by_its_address_and_steps_to_the_next(server, site, alone, tmp_path):
    receipt = server.publish(street_drives.archive(1, count=10))
    ids = [str(one) for one in receipt.picture_ids]
    alone.open(f"{site}?focus=pic&pic={ids[4]}")

    shown = "return document.querySelector('pnx-viewer').psv?.getPictureMetadata()?.{} ?? null"
    alone.wait(lambda: alone.run(shown.format("id")) == ids[4], "the picture should open", timeout_s=PATIENCE_S)
    assert alone.run(shown.format("caption.license")) == "CC-BY-SA-4.0"
    assert alone.run(shown.format("sequence.prevPic")) == ids[3]
    alone.wait(
        lambda: any(
            f"/api/pictures/{ids[4]}/" in url and url.endswith(("hd.jpg", "sd.jpg")) for url in alone.requested()
        ),
        "the picture's bytes should be asked for",
        timeout_s=PATIENCE_S,
    )
    alone.driver.save_screenshot(str(tmp_path / "picture.png"))

    def stepped():
        """Ask for the next picture as soon as the viewer is done with this one, and return whether it is there."""
        now = alone.run(shown.format("id"))
        if now == ids[4] and not alone.run(
            "return document.querySelector('pnx-viewer').psv._myVTour.state.loadingNode"
        ):
            alone.run("document.querySelector('pnx-viewer').psv.goToNextPicture()")
        return now == ids[5]

    alone.wait(stepped, "the next picture should open", timeout_s=PATIENCE_S)
