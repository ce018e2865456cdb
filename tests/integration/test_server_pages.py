"""The pages of single pictures and the map inside other pages: what they say, and who may frame them."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import httpx
import pytest
import street_drives
from servers import served

from dashlight.ingest.personal import publish_staged
from dashlight.model import LonLat, Policy

TAKEN = datetime(2026, 11, 16, 10, 0, 5, tzinfo=UTC)
ODD = "L. 'Bo' (Maps) & Sons"


class Head(HTMLParser):
    """The metadata of a page and its text."""

    def __init__(self, page):
        super().__init__()
        self.meta, self.links, self.tags, self.text = {}, {}, [], []
        self.feed(page)
        self.words = re.sub(r"\s+", " ", " ".join(self.text))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "meta":
            self.meta[given.get("property") or given.get("name")] = given.get("content")
        if tag == "link":
            self.links[given["rel"]] = given["href"]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with served(tmp_path_factory.mktemp("pages") / "data", name="Streets & <Roads>") as running:
        running.publish(street_drives.archive(1, count=3, started_at=TAKEN, heading_deg=90.0))
        running.publish(
            street_drives.archive(2, count=1, start=LonLat(-117.3273, 33.1267), policy=Policy.OPEN, attribution=ODD),
            policy=Policy.OPEN,
        )
        personal = street_drives.archive(
            3, count=1, start=LonLat(13.4, 52.52), policy=Policy.PERSONAL, started_at=TAKEN
        )
        assert running.put(personal, policy=Policy.PERSONAL).status_code == 201
        publish_staged(running.store.database, running.store.objects)
        features = running.client.get("/v1/pictures").json()["features"]
        running.ids = {policy: [] for policy in ("fleet", "open", "personal")}
        for each in reversed(features):
            running.ids[each["properties"]["policy"]].append(each["id"])
        yield running


def page(shown, picture, **asked):
    reply = shown.client.get(f"/p/{picture}", **asked)
    return reply, Head(reply.text)


def test_a_page_previews_with_the_redacted_thumbnail_and_a_coarse_place(shown):
    picture = shown.ids["fleet"][1]

    reply, head = page(shown, picture)

    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    title = "Street picture in or near Spain, 16 November 2026, 10:00:06 UTC"
    assert head.meta["og:title"] == title
    assert f"{title} · Streets & <Roads>" in head.words
    assert head.meta["og:url"] == head.links["canonical"] == f"{shown.url}/p/{picture}"
    assert head.meta["og:site_name"] == "Streets & <Roads>"
    assert head.meta["og:image"] == f"{shown.url}/v1/pictures/{picture}/thumb.jpg"
    assert httpx.get(head.meta["og:image"], trust_env=False).content[:2] == b"\xff\xd8"
    assert head.meta["robots"] == "noarchive"
    assert not re.search(r"43\.3|5\.8", head.meta["og:title"] + head.meta["og:description"])


def test_a_page_works_without_scripts_and_asks_nobody_else(shown):
    reply, head = page(shown, shown.ids["fleet"][1])

    assert not [tag for tag, _ in head.tags if tag in ("script", "iframe", "object")]
    sources = [given.get("src") or given.get("href") for tag, given in head.tags if tag in ("img", "link")]
    own = [each for each in sources if each.startswith(("/", shown.url))]
    assert [each for each in sources if each not in own] == ["https://creativecommons.org/licenses/by-sa/4.0/"]
    assert "script-src" not in reply.headers["content-security-policy"]
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    ways = {
        given["rel"]: given["href"] for tag, given in head.tags if tag == "a" and given.get("rel") in ("prev", "next")
    }
    assert ways == {"prev": f"/p/{shown.ids['fleet'][0]}", "next": f"/p/{shown.ids['fleet'][2]}"}
    for words in ("43.36", "east, 90°", "1 number plate", "CC BY-SA 4.0", "Fleet: recorded by a vehicle"):
        assert words in head.words


def test_what_a_mapper_chose_as_a_name_is_text(shown):
    _, head = page(shown, shown.ids["open"][0])

    assert ODD in head.meta["og:description"]
    assert f"By {ODD}" in head.words
    assert "In or near California, United States of America" in head.words


def test_a_personal_picture_tells_no_more_than_its_policy(shown):
    reply, head = page(shown, shown.ids["personal"][0])

    assert head.meta["og:title"] == "Street picture in or near Germany, November 2026"
    assert not re.search(r"\d\d:\d\d|16 November|2026-11-16", reply.text)
    assert not [given for tag, given in head.tags if tag == "a" and given.get("rel") in ("prev", "next")]


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "es-MX,es;q=0.9,en;q=0.5", "es"),
        ("", "de,en;q=0.3,es;q=0.8", "es"),
        ("", "de", "en"),
        ("", "es;q=0", "en"),
        ("", ",;q=x,*", "en"),
        ("?lang=es", "en", "es"),
        ("?lang=xx", "es", "es"),
    ],
)
def test_the_page_speaks_the_readers_language(shown, query, accepted, language):
    reply = shown.client.get(f"/p/{shown.ids['fleet'][0]}{query}", headers={"Accept-Language": accepted})

    assert reply.headers["content-language"] == language
    assert f'<html lang="{language}">' in reply.text
    spanish = "Imagen de calle en España o cerca, 16 de noviembre de 2026, 10:00:05 UTC"
    assert (spanish in reply.text) is (language == "es")
    assert "accept-language" in reply.headers["vary"].lower()


def test_a_page_is_not_sent_twice(shown):
    reply, _ = page(shown, shown.ids["fleet"][0])

    again, _ = page(shown, shown.ids["fleet"][0], headers={"If-None-Match": reply.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_that_is_hidden_is_gone_in_words(shown):
    receipt = shown.publish(street_drives.archive(4, count=1, started_at=TAKEN))
    picture = str(receipt.picture_ids[0])
    shown.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy", "comment": ""})

    reply, head = page(shown, picture)

    assert (reply.status_code, reply.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "This picture is no longer public" in head.words
    assert head.meta["robots"] == "noindex"
    assert not [name for name in head.meta if name and name.startswith("og:")]
    assert picture not in [given.get("src") for _, given in head.tags]
    spanish, _ = page(shown, picture, headers={"Accept-Language": "es"})
    assert "Esta imagen ya no es pública" in spanish.text


@pytest.mark.parametrize("name", ["8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c", "nothing", "%3Cscript%3E", "x" * 500])
def test_an_unknown_picture_is_not_found_in_words(shown, name):
    reply, head = page(shown, name)

    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such picture" in head.words
    assert "<script" not in reply.text.lower()


def test_only_the_embedded_map_may_be_framed(shown):
    pages = [
        "/",
        "/about",
        f"/p/{shown.ids['fleet'][0]}",
        "/p/nothing",
        "/v1/instance",
        "/assets/map/main.js",
        "/nothing",
    ]

    framed = {each: shown.client.get(each).headers["content-security-policy"] for each in [*pages, "/embed"]}

    assert "frame-ancestors *" in framed.pop("/embed")
    assert all("frame-ancestors 'none'" in policy for policy in framed.values())


def test_the_embedded_map_is_the_map_with_another_root(shown):
    plain, embedded = shown.client.get("/"), shown.client.get("/embed?at=5/43/-5")

    assert embedded.text == plain.text.replace("<html ", '<html class="embed" ', 1)
    assert embedded.headers["etag"] != plain.headers["etag"]
    known = shown.client.get("/embed", headers={"If-None-Match": embedded.headers["etag"]})
    assert known.status_code == 304
    assert "frame-ancestors *" in known.headers["content-security-policy"]
