"""Real browsers over a real server."""

import json
import shutil
from pathlib import Path

import pytest
from browsing import Browser, chromium
from servers import ServerProcess, draw_tokens, served

WEB = Path(__file__).resolve().parents[2] / "src" / "dashlight" / "web"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _pages():
    if not (WEB / "vendor" / "maplibre-gl" / "maplibre-gl.mjs").is_file():
        pytest.skip("the vendored files are not there; run `make vendor`")


@pytest.fixture(scope="session")
def _driver(tmp_path_factory):
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("Chromium and its driver are not installed; `make browser-deps` does it on Debian")
    driver = chromium(tmp_path_factory.mktemp("chromium"))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def axe():
    script = WEB.parents[2] / ".vendor-cache" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core is not there; run `make vendor`")
    return script.read_text()


@pytest.fixture
def browser(_driver):
    browser = Browser(_driver)
    browser.reset()
    yield browser
    browser.reset()


@pytest.fixture
def server(tmp_path):
    with served(tmp_path / "data", name="Test streets") as running:
        yield running


@pytest.fixture
def process(tmp_path):
    """A server that can be stopped and started again at the same address."""
    folder = tmp_path / "data"
    folder.mkdir()
    process = ServerProcess(folder).start()
    process.tokens = draw_tokens(folder, 2)
    yield process
    if process.process.poll() is None:
        process.kill()


@pytest.fixture
def quiet(server, browser):
    """Fail when the page asked another origin for anything, or wrote an error to the console."""
    yield
    strangers = [url for url in browser.requested() if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert not strangers
    # Warnings count too: a style that does not fit the tiles is one. WebGL's are about this machine.
    said = [each["message"] for each in browser.console() if each["level"] in ("SEVERE", "WARNING")]
    # What the page of the test before says last, of a server that has gone, is not about this one.
    own = [message for message in said if server.url in message or "http://127.0.0.1:" not in message]
    # A picture that is hidden while its thumbnail is on the way answers 410, and Chromium says so.
    wrong = [
        message
        for message in own
        if not any(
            known in message
            for known in (
                "GL Driver Message",
                "WebGL",
                ".jpg - Failed to load resource: the server responded with a status of 410",
            )
        )
    ]
    assert not wrong, json.dumps(wrong, indent=1)
