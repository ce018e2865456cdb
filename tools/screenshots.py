"""Make the pictures of the docs: a real server, real bundles, a real Chromium.

python tools/screenshots.py [--output docs/images] [--only NAME ...]

A simulated drive goes through the whole way (rendered, imported, redacted, uploaded); more drives around it are made
of its redacted pictures, so that the map has something to show at every zoom. With `../shared/data/recordings` there,
one picture shows a real camera's recording. Chromium and its driver must be installed (`make browser-deps`).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import cv2
import httpx
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

import street_drives  # type: ignore[import-not-found]  # noqa: E402
from browsing import Browser, chromium  # type: ignore[import-not-found]  # noqa: E402
from made_bundles import sha256_of  # type: ignore[import-not-found]  # noqa: E402
from servers import ServerProcess, draw_tokens  # type: ignore[import-not-found]  # noqa: E402

from dashlight.errors import Corrupt  # noqa: E402
from dashlight.model import LonLat, Policy, RawFrame, RedactedPicture, destination  # noqa: E402
from dashlight.sim.drive import Place  # noqa: E402
from dashlight.sim.recording import DriveSettings, recorded_drive  # noqa: E402
from dashlight.vision import Detectors, redact_sequence  # noqa: E402
from dashlight.wire import MEDIA_TYPE  # noqa: E402

REAL = ROOT.parent / "shared" / "data" / "recordings" / "max-heromode.mp4"
SETTINGS = DriveSettings(duration_s=52, clip_s=26, frames_per_s=5)
SAMPLES = 16
MOST_BYTES = 400_000
CITIES = (
    LonLat(-3.7038, 40.4168),
    LonLat(2.3522, 48.8566),
    LonLat(-0.1276, 51.5072),
    LonLat(12.4964, 41.9028),
    LonLat(18.0686, 59.3293),
    LonLat(21.0122, 52.2297),
    LonLat(-5.8494, 43.3617),
)
REPORTS = (
    ("privacy", "My front door is in the picture."),
    ("blur_missing", "The plate of the parked car can be read."),
    ("mislocated", ""),
    ("copyright", "The poster on the wall is my work."),
    ("blur_missing", ""),
)
AGES_DAYS = (0, 0, 1, 3, 6, 12, 20, 45, 90, 200, 420)


@dataclass(frozen=True, slots=True)
class Stage:
    """What the pictures are taken of.

    Attributes:
        url: Of the server.
        browser: The one page.
        town: The middle of the simulated town.
        tokens: For uploads while the page looks on.
        pictures: Redacted, to make more drives of.
        data: Folder of the server.
    """

    url: str
    browser: Any
    town: LonLat
    tokens: list[str]
    pictures: list[RedactedPicture]
    data: Path

    @property
    def origin(self) -> str:
        """The server by the name that browsers keep passkeys for."""
        return f"http://localhost:{urlsplit(self.url).port}"

    def publish(self, archive: bytes) -> None:
        """Upload a bundle."""
        headers = {"Authorization": f"Bearer {self.tokens.pop()}", "Content-Type": MEDIA_TYPE}
        reply = httpx.put(
            f"{self.url}/v1/bundles/{sha256_of(archive)}", content=archive, headers=headers, timeout=60, trust_env=False
        )
        reply.raise_for_status()

    def first_picture(self, bbox: str, *, at: int = 0) -> dict[str, Any]:
        """Return a picture of a part of the map."""
        reply = httpx.get(f"{self.url}/v1/pictures", params={"bbox": bbox, "limit": 100}, trust_env=False)
        feature: dict[str, Any] = reply.json()["features"][at]
        return feature


def imported(server: ServerProcess, home: Path, paths: Sequence[Path]) -> None:
    """Take recordings the whole way, as a contributor does."""
    command = [sys.executable, "-m", "dashlight"]
    invite = subprocess.run(
        [*command, "invite", "create", "--data", str(server.folder), "--policy", "fleet"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    joining = ["--server", server.url, "--invite", invite, "--policy", "fleet", "--home", str(home)]
    subprocess.run([*command, "--quiet", "edge", "import", *map(str, paths), *joining], check=True)


def frames_of(recording: Path, count: int) -> Iterator[RawFrame]:
    """Yield frames at equal distances in time; far apart, so that none lends boxes to the next."""
    with av.open(str(recording)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for number, at in enumerate(np.linspace(0, len(frames) - 1, count).astype(int)):
        yield RawFrame(np.ascontiguousarray(frames[at]), offset_s=10.0 * number, travelled_m=100.0 * number)


def more_drives(pictures: list[RedactedPicture], town: LonLat) -> Iterator[bytes]:
    """Yield bundles of invented drives: streets around the town, and a few in other cities."""
    chance = random.Random(11)
    now = datetime.now(UTC).replace(microsecond=0)
    for number in range(26):
        start = destination(town, chance.uniform(0, 360), chance.uniform(150, 2600))
        yield street_drives.archive(
            1000 + number,
            start=start,
            heading_deg=chance.choice((17, 107, 197, 287)) + chance.uniform(-4, 4),
            bend_deg=chance.uniform(0.5, 3),
            count=chance.randint(40, 90),
            policy=Policy.OPEN if number % 3 == 0 else Policy.FLEET,
            attribution="Lena Maps" if number % 3 == 0 else None,
            started_at=now - timedelta(days=chance.choice(AGES_DAYS), minutes=chance.randint(5, 300)),
            pictures=lambda n: pictures[n % len(pictures)],
        )
    for number, city in enumerate(CITIES * 2):
        yield street_drives.archive(
            2000 + number,
            start=destination(city, chance.uniform(0, 360), chance.uniform(0, 60_000)),
            heading_deg=chance.uniform(0, 359),
            count=12,
            started_at=now - timedelta(days=chance.choice(AGES_DAYS), hours=2),
            pictures=lambda n: pictures[n % len(pictures)],
        )


def at(zoom: float, place: LonLat, more: str = "") -> str:
    """Return the fragment of a view."""
    return f"#at={zoom}/{place.lat:.5f}/{place.lon:.5f}{more}"


def settled(stage: Stage) -> None:
    """Wait until the map and every thumbnail that is in sight are drawn."""
    stage.browser.wait_map()
    stage.browser.wait(
        lambda: stage.browser.run("""
            const seen = [...document.querySelectorAll('.card-image, .photo-image')].filter((image) => {
                const box = image.getBoundingClientRect();
                return box.top < innerHeight && box.bottom > 0;
            });
            return seen.every((image) => image.complete && image.naturalWidth);
        """)
    )
    stage.browser.run("document.activeElement?.blur()")


def show(stage: Stage, fragment: str) -> None:
    """Open a view of the map."""
    stage.browser.open(f"{stage.url}/{fragment}")
    stage.browser.wait(lambda: stage.browser.all(".card, .viewer .facts"))
    settled(stage)


def of_picture(stage: Stage, more: str = "") -> str:
    """Return the fragment of an opened picture in the middle of the simulated drive."""
    delta = 0.006
    box = f"{stage.town.lon - delta},{stage.town.lat - delta},{stage.town.lon + delta},{stage.town.lat + delta}"
    feature = stage.first_picture(box, at=24)
    lon, lat = feature["geometry"]["coordinates"]
    return at(17.3, LonLat(lon, lat), f"&picture={feature['id']}{more}")


def shot_far(stage: Stage) -> None:
    """Coverage of a continent."""
    show(stage, at(4.1, LonLat(7.5, 48.8)))


def shot_streets(stage: Stage) -> None:
    """Streets of a town."""
    show(stage, at(13.1, stage.town))


def shot_close(stage: Stage) -> None:
    """Single pictures."""
    show(stage, at(16.1, stage.town))


def shot_picture(stage: Stage) -> None:
    """An opened picture."""
    show(stage, of_picture(stage))


def shot_full(stage: Stage) -> None:
    """A picture that fills the screen."""
    show(stage, of_picture(stage, "&full"))


def shot_report(stage: Stage) -> None:
    """The form to report a picture."""
    show(stage, of_picture(stage))
    stage.browser.find(".acts button:last-of-type").click()
    stage.browser.find("input[value=blur_missing]").click()


def shot_dates(stage: Stage) -> None:
    """The filter by date."""
    start = (datetime.now(UTC) - timedelta(days=120)).date()
    show(stage, at(13.1, stage.town, f"&from={start}"))
    stage.browser.find(".time-button").click()
    stage.browser.wait(lambda: stage.browser.all(".histogram rect"))


def shot_asof(stage: Stage) -> None:
    """The map as it was known on a day."""
    day = (datetime.now(UTC) - timedelta(days=30)).date()
    show(stage, at(13.1, stage.town, f"&asof={day}"))
    stage.browser.find(".time-button").click()
    stage.browser.wait(lambda: stage.browser.all(".histogram rect"))


def shot_compare(stage: Stage) -> None:
    """Two dates beside each other."""
    day = (datetime.now(UTC) - timedelta(days=30)).date()
    show(stage, at(13.1, stage.town, f"&compare={day}"))
    stage.browser.wait(
        lambda: stage.browser.run("""
            return [...document.querySelectorAll('dl-map')].filter(({ map }) => map?.loaded() && map.areTilesLoaded())
                .length === 2;
        """)
    )


def shot_layers(stage: Stage) -> None:
    """Layers and filters."""
    show(stage, at(16.1, stage.town, "&policy=fleet,open"))
    stage.browser.find(".layers-button").click()


def shot_coverage(stage: Stage) -> None:
    """How many pictures there are."""
    show(stage, at(4.1, LonLat(7.5, 48.8), "&layer=amount"))


def shot_share(stage: Stage) -> None:
    """What can be taken away."""
    show(stage, at(13.1, stage.town))
    stage.browser.find(".share-button").click()
    stage.browser.find("#share-link")


def shot_embed(stage: Stage) -> None:
    """The map for other people's pages."""
    stage.browser.open(f"{stage.url}/embed{at(15.1, stage.town)}")
    stage.browser.wait(lambda: stage.browser.all(".card"))
    stage.browser.wait_text(".strip", "Open the map")
    settled(stage)


def shot_page(stage: Stage) -> None:
    """The page of one picture."""
    delta = 0.006
    box = f"{stage.town.lon - delta},{stage.town.lat - delta},{stage.town.lon + delta},{stage.town.lat + delta}"
    stage.browser.open(f"{stage.url}/p/{stage.first_picture(box, at=24)['id']}")
    stage.browser.wait(lambda: stage.browser.run("return document.querySelector('.picture-shown img')?.naturalWidth"))


def shot_search(stage: Stage) -> None:
    """The search."""
    show(stage, at(4.1, LonLat(7.5, 48.8)))
    stage.browser.find(".search-field").send_keys("swe")
    stage.browser.find(".result")


def shot_live(stage: Stage) -> None:
    """Pictures that arrive while the page is open."""
    show(stage, at(15.6, stage.town))
    stage.browser.wait(lambda: stage.browser.run("return document.querySelector('dl-panel').page.feed.up"))
    stage.publish(
        street_drives.archive(
            int(datetime.now(UTC).timestamp()),
            start=destination(stage.town, 300, 250),
            heading_deg=107,
            count=12,
            pictures=lambda n: stage.pictures[(n + 3) % len(stage.pictures)],
        )
    )
    stage.browser.wait(lambda: stage.browser.all(".badge-fresh"))
    settled(stage)


def shot_about(stage: Stage) -> None:
    """The page about the map."""
    stage.browser.open(f"{stage.url}/about")
    stage.browser.wait_text("article .facts-line", "pictures")


def shot_sheet(stage: Stage) -> None:
    """The list on a phone, drawn up."""
    show(stage, at(16.1, stage.town))
    stage.browser.run("document.querySelector('dl-panel').height = 'high'")
    settled(stage)


def shot_real(stage: Stage) -> None:
    """A real camera's recording at its real place."""
    feature = stage.first_picture("-117.4,33.0,-117.2,33.2", at=1)
    lon, lat = feature["geometry"]["coordinates"]
    show(stage, at(19.6, LonLat(lon, lat), f"&picture={feature['id']}"))


def report_some(stage: Stage) -> None:
    """Report pictures of one city, for every kind of reason; those about privacy are hidden."""
    city = CITIES[0]
    around = f"{city.lon - 1.2},{city.lat - 1.2},{city.lon + 1.2},{city.lat + 1.2}"
    told = [stage.first_picture(around, at=3 * number)["id"] for number in range(len(REPORTS))]
    for picture, (issue, comment) in zip(told, REPORTS, strict=True):
        reply = httpx.post(
            f"{stage.url}/v1/pictures/{picture}/report", json={"issue": issue, "comment": comment}, trust_env=False
        )
        reply.raise_for_status()


def enrol(stage: Stage) -> None:
    """Enrol a passkey for the operator's page, in a device that verifies its user by itself."""
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    stage.browser.driver.execute_cdp_cmd("WebAuthn.enable", {})
    stage.browser.driver.execute_cdp_cmd("WebAuthn.addVirtualAuthenticator", {"options": device})
    naming = ["--data", str(stage.data), "--label", "Ana\u2019s phone", "--public-url", stage.origin]
    link = subprocess.run(
        [sys.executable, "-m", "dashlight", "operator", "invite", *naming],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    stage.browser.open(next(word for word in link if word.startswith(stage.origin)))
    stage.browser.find("[data-ceremony]").click()


def shot_operator(stage: Stage) -> None:
    """The operator's list of reports."""
    stage.browser.open(f"{stage.origin}/operator/reports")
    if not stage.browser.all(".op-card"):
        report_some(stage)
        enrol(stage)
    stage.browser.wait_text("h1", "Waiting for a decision")
    stage.browser.run("for (const image of document.images) image.loading = 'eager'")
    stage.browser.wait(lambda: stage.browser.run("return [...document.images].every((image) => image.naturalWidth)"))
    stage.browser.run("document.activeElement?.blur()")


def shot_decision(stage: Stage) -> None:
    """A reported picture, and what can be decided about it."""
    shot_operator(stage)
    stage.browser.find(".op-card a").click()
    stage.browser.wait_text("h1", "Reported picture")
    stage.browser.wait(lambda: stage.browser.run("return document.querySelector('.op-report img')?.naturalWidth"))
    stage.browser.find("[name=choice][value=erase]").click()
    stage.browser.run("document.activeElement?.blur(); scrollTo(0, 0)")


WIDE, TABLET, PHONE = (1440, 900), (768, 1024), (360, 740)
Shot = tuple[Callable[[Stage], None], tuple[int, int], str]
SHOTS: dict[str, Shot] = {
    "map-far": (shot_far, WIDE, "light"),
    "map-far-dark": (shot_far, WIDE, "dark"),
    "map-far-phone": (shot_far, PHONE, "light"),
    "map-streets": (shot_streets, WIDE, "light"),
    "map-streets-dark": (shot_streets, TABLET, "dark"),
    "map-close": (shot_close, WIDE, "light"),
    "map-close-dark": (shot_close, WIDE, "dark"),
    "map-close-tablet": (shot_close, TABLET, "light"),
    "map-close-phone": (shot_close, PHONE, "light"),
    "map-close-phone-dark": (shot_close, PHONE, "dark"),
    "list-phone": (shot_sheet, PHONE, "light"),
    "picture": (shot_picture, WIDE, "light"),
    "picture-dark": (shot_picture, WIDE, "dark"),
    "picture-tablet": (shot_picture, TABLET, "light"),
    "picture-phone": (shot_picture, PHONE, "light"),
    "picture-full": (shot_full, (1024, 640), "light"),
    "picture-full-phone": (shot_full, PHONE, "light"),
    "report": (shot_report, WIDE, "light"),
    "report-phone": (shot_report, PHONE, "dark"),
    "dates": (shot_dates, WIDE, "light"),
    "dates-phone": (shot_dates, PHONE, "light"),
    "as-of": (shot_asof, WIDE, "light"),
    "as-of-tablet-dark": (shot_asof, TABLET, "dark"),
    "as-of-phone": (shot_asof, PHONE, "light"),
    "compare": (shot_compare, WIDE, "light"),
    "compare-tablet-dark": (shot_compare, TABLET, "dark"),
    "compare-phone": (shot_compare, PHONE, "light"),
    "coverage": (shot_coverage, WIDE, "light"),
    "layers": (shot_layers, WIDE, "light"),
    "layers-tablet-dark": (shot_layers, TABLET, "dark"),
    "layers-phone": (shot_layers, PHONE, "light"),
    "share": (shot_share, WIDE, "light"),
    "share-phone-dark": (shot_share, PHONE, "dark"),
    "embed": (shot_embed, (768, 480), "light"),
    "embed-phone-dark": (shot_embed, PHONE, "dark"),
    "page": (shot_page, WIDE, "light"),
    "page-phone-dark": (shot_page, PHONE, "dark"),
    "search": (shot_search, WIDE, "dark"),
    "live": (shot_live, WIDE, "light"),
    "about": (shot_about, WIDE, "light"),
    "about-phone": (shot_about, PHONE, "dark"),
    "operator": (shot_operator, WIDE, "light"),
    "operator-dark": (shot_operator, WIDE, "dark"),
    "operator-phone": (shot_operator, PHONE, "light"),
    "operator-phone-dark": (shot_operator, PHONE, "dark"),
    "operator-report": (shot_decision, WIDE, "light"),
    "operator-report-phone-dark": (shot_decision, PHONE, "dark"),
    "real-recording": (shot_real, WIDE, "light"),
}


def take(stage: Stage, name: str, output: Path) -> None:
    """Take one picture and write it, small."""
    shot, (width, height), scheme = SHOTS[name]
    browser = stage.browser
    browser.size(width, height, is_phone=width < 700)
    browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="no-preference")
    shot(stage)
    size_bytes = write_png(output / f"{name}.png", browser.driver.get_screenshot_as_png())
    sys.stdout.write(f"{name}.png {size_bytes // 1000} kB\n")
    sys.stdout.flush()


def write_png(path: Path, png: bytes) -> int:
    """Write a PNG of at most `MOST_BYTES`, if it can be; photos in it lose low bits, flat colours keep theirs."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise Corrupt(f"{path.name}: {len(png)} bytes are no PNG")
    encoded = png
    for bits in range(6):
        flat = image if bits == 0 else posterised(image, 1 << bits)
        encoded = cv2.imencode(".png", flat, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
        if len(encoded) <= MOST_BYTES:
            break
    path.write_bytes(encoded)
    return len(encoded)


def posterised(image: np.ndarray[Any, Any], step: int) -> np.ndarray[Any, Any]:
    """Return the image with rounded colours where neighbouring pixels differ, which is where photos are."""
    spread = cv2.absdiff(image, cv2.medianBlur(image, 3)).max(axis=2)
    is_busy = cv2.dilate((spread > 2).astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    rounded = np.clip((image.astype(np.int16) + step // 2) // step * step, 0, 255).astype(np.uint8)
    return np.where(is_busy[..., None], rounded, image)


@contextmanager
def stage_set(folder: Path) -> Iterator[Stage]:
    """Start everything and publish what is to be seen."""
    place = Place()
    drive = recorded_drive(
        ROOT / ".cache" / "screenshots", SETTINGS, started_at=datetime.now(UTC) - timedelta(minutes=4), workers=1
    )
    pictures = list(redact_sequence(frames_of(drive.recordings[0], SAMPLES), Detectors.load(), lookaround=0))
    (folder / "data").mkdir()
    server = ServerProcess(folder / "data", "--name", "Dashlight demo").start()
    driver = None
    try:
        tokens = draw_tokens(folder / "data", 60) + draw_tokens(folder / "data", 20, Policy.OPEN)
        fleet, open_tokens = tokens[:60], tokens[60:]
        stage = Stage(server.url, None, place.lon_lat(0, 0), fleet, pictures, server.folder)
        for number, archive in enumerate(more_drives(pictures, stage.town)):
            if number < 26 and number % 3 == 0:
                fleet.append(open_tokens.pop())
            stage.publish(archive)
        imported(server, folder / "home", [drive.card])
        if REAL.is_file():
            imported(server, folder / "home-real", [REAL])
        driver = chromium(folder / "chromium")
        browser = Browser(driver)
        browser.reset()
        driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})  # As `/p/` tells times.
        yield replace(stage, browser=browser)
    finally:
        if driver is not None:
            driver.quit()
        server.stop()


def main() -> int:
    """Make the pictures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--only", nargs="+", choices=SHOTS, default=list(SHOTS), metavar="NAME")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, stage_set(Path(folder)) as stage:
        for name in args.only:
            if name == "real-recording" and not REAL.is_file():
                sys.stdout.write("real-recording.png left as it is: ../shared/data/recordings is not there\n")
                continue
            take(stage, name, args.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
