"""The page of one picture as HTML: pure text work, every value escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from string import Template
from typing import Any
from uuid import UUID

from dashlight.catalog.features import day_text
from dashlight.model import DAY_MS
from dashlight.store.pictures import StoredPicture

# Nothing runs on this page, and nobody may frame it.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LICENCE_NAMES = {
    "CC-BY-SA-4.0": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODbL-1.0": ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
}
_LANGUAGE_NAMES = {"en": "English", "es": "Español"}
_KINDS = ("face", "head", "plate")
Words = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PictureView:
    """What a page tells.

    Attributes:
        stored: The picture.
        before: The one before it in its sequence.
        after: The one after it.
        place: A name that the basemap has near, or None.
        origin: Where the page is, such as `https://example.org`: previews need whole addresses.
    """

    stored: StoredPicture
    before: UUID | None
    after: UUID | None
    place: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class PicturePages:
    """The pages of one instance.

    Attributes:
        template: Of every page.
        words: By language and key.
        places: Names of countries by language and the basemap's name, which is English.
        instance: Its name.
    """

    template: Template
    words: Mapping[str, Words]
    places: Mapping[str, Mapping[str, str]]
    instance: str

    def picture(self, view: PictureView, language: str) -> str:
        """Return the page of a picture."""
        words = self.words[language]
        view = replace(view, place=self._translated(view.place, language))
        when = when_in_words(view.stored, words)
        title = (
            words["title"].format(place=view.place, when=when)
            if view.place
            else words["title_nowhere"].format(when=when)
        )
        main = "".join(
            (
                f"<h1>{escape(title)}</h1>",
                _figure(view, words),
                _way(view, words),
                _facts(view, words, self.instance),
                _acts(view, words),
            )
        )
        head = self._head(view, words, title)
        return self._page(language, title=title, head=head, main=main, path=_path(view.stored.id))

    def _translated(self, place: str | None, language: str) -> str | None:
        """Return a place with its country, which comes last, in the language."""
        if place is None:
            return None
        names = self.places.get(language, {})
        return ", ".join(names.get(part, part) for part in place.split(", "))

    def missing(self, language: str, *, is_gone: bool, path: str) -> str:
        """Return the page that says that a picture is not public any more, or never was there."""
        words, kind = self.words[language], "gone" if is_gone else "unknown"
        title = words[f"{kind}_title"]
        main = (
            f"<h1>{escape(title)}</h1><p>{escape(words[f'{kind}_text'])}</p>"
            f'<p class="back"><a class="button" href="/">{escape(words["to_map"])}</a></p>'
        )
        return self._page(language, title=title, head='<meta name="robots" content="noindex">', main=main, path=path)

    def _page(self, language: str, *, title: str, head: str, main: str, path: str) -> str:
        words = self.words[language]
        links = " ".join(
            f'<a href="{escape(path)}?lang={code}" lang="{code}" hreflang="{code}"'
            f' aria-current="{"true" if code == language else "false"}">{_LANGUAGE_NAMES[code]}</a>'
            for code in self.words
        )
        return self.template.substitute(
            lang=language,
            title=escape(f"{title} · {self.instance}"),
            head=head,
            instance=escape(self.instance),
            languages=escape(words["languages"]),
            language_links=links,
            main=main,
            about=escape(words["about"]),
        )

    def _head(self, view: PictureView, words: Words, title: str) -> str:
        """Return what previews read: the redacted picture's thumbnail, and nothing that the page does not say."""
        here, stored = f"{view.origin}{_path(view.stored.id)}", view.stored
        licence_name, licence_href = LICENCE_NAMES.get(stored.license_id, (stored.license_id, ""))
        point = _point(stored.heading_deg, words)
        credit = f"{stored.attribution or self.instance}, {licence_name}"
        description = words["description"].format(point=point, credit=credit)
        image = f"{view.origin}/v1/pictures/{stored.id}/thumb.jpg"
        properties = {
            "og:type": "website",
            "og:site_name": self.instance,
            "og:title": title,
            "og:description": description,
            "og:url": here,
            "og:locale": words["locale"],
            "og:image": image,
            "og:image:type": "image/jpeg",
            "og:image:alt": words["alt"].format(point=point),
        }
        lines = [f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items()]
        lines += [
            f'<meta name="description" content="{escape(description)}">',
            '<meta name="twitter:card" content="summary_large_image">',
            '<meta name="robots" content="noarchive">',  # A copy elsewhere would outlive an erasure.
            f'<link rel="canonical" href="{escape(here)}">',
            f'<link rel="alternate" type="application/geo+json" href="/v1/pictures/{stored.id}">',
        ]
        if licence_href:
            lines.append(f'<link rel="license" href="{escape(licence_href)}">')
        return "\n    ".join(lines)


def when_in_words(stored: StoredPicture, words: Words) -> str:
    """Return when a picture was taken, as precisely as its policy lets it be told and no more."""
    moment = datetime.fromtimestamp(stored.captured_ms / 1000, UTC)
    return str(words[stored.precision]).format(
        day=moment.day, month=words["months"][moment.month - 1], year=moment.year, time=f"{moment:%H:%M:%S}"
    )


def _path(picture_id: UUID) -> str:
    return f"/p/{picture_id}"


def _point(heading_deg: float, words: Words) -> str:
    return str(words["points"][round(heading_deg / 45) % 8])


def _figure(view: PictureView, words: Words) -> str:
    stored = view.stored
    alt = words["alt"].format(point=_point(stored.heading_deg, words))
    return (
        f'<figure class="picture-shown"><img src="/v1/pictures/{stored.id}/picture.jpg" alt="{escape(alt)}"'
        f' width="{stored.width}" height="{stored.height}"></figure>'
    )


def _way(view: PictureView, words: Words) -> str:
    links = [
        f'<a class="button" rel="{rel}" href="{_path(other)}">{escape(words[key])}</a>'
        for rel, key, other in (("prev", "before", view.before), ("next", "after", view.after))
        if other is not None
    ]
    return f'<nav class="picture-way" aria-label="{escape(words["way"])}">{"".join(links)}</nav>' if links else ""


def _facts(view: PictureView, words: Words, instance: str) -> str:
    stored = view.stored
    heading = words["heading_value"].format(
        point=_point(stored.heading_deg, words), degrees=round(stored.heading_deg) % 360
    )
    licence_name, licence_href = LICENCE_NAMES.get(stored.license_id, (stored.license_id, ""))
    licence = escape(licence_name)
    if licence_href:
        licence = f'<a rel="license" href="{escape(licence_href)}">{licence}</a>'
    if stored.attribution:
        licence += f"<br>{escape(words['by'].format(name=stored.attribution))}"
    day = day_text(stored.captured_ms // DAY_MS)
    who = f"{stored.attribution}, {instance}" if stored.attribution else instance
    facts = {
        "when": f'<time datetime="{_machine_time(stored, day)}">{escape(when_in_words(stored, words))}</time>',
        "where": _where(view, words),
        "heading": escape(heading),
        "painted": escape(_painted(stored, words)),
        "policy": escape(words[f"policy_{stored.policy}"]),
        "licence": licence,
        "credit": escape(f"{who} ({view.origin}{_path(stored.id)}), {licence_name}"),
    }
    rows = "".join(f"<div><dt>{escape(words[key])}</dt><dd>{value}</dd></div>" for key, value in facts.items())
    return f'<dl class="picture-facts">{rows}</dl>'


def _machine_time(stored: StoredPicture, day: str) -> str:
    """Return a value of HTML's `datetime`: the instant, the week or the month."""
    return escape(stored.captured) if stored.precision != "month" else day[:7]


def _where(view: PictureView, words: Words) -> str:
    position, (north, south, east, west) = view.stored.position, words["letters"]
    lat = f"{abs(position.lat):.5f}° {south if position.lat < 0 else north}"
    lon = f"{abs(position.lon):.5f}° {west if position.lon < 0 else east}"
    lines = [f"{lat}, {lon}"]
    if view.place:
        lines.append(words["near"].format(place=view.place))
    if view.stored.accuracy_m is not None:
        lines.append(words["accuracy"].format(metres=-int(-view.stored.accuracy_m // 1)))
    return "<br>".join(escape(line) for line in lines)


def _painted(stored: StoredPicture, words: Words) -> str:
    counts = Counter(kind for kind, _ in stored.redactions)
    found = [(words[f"painted_{kind}"], counts[kind]) for kind in _KINDS if counts[kind]]
    parts = [forms[0 if n == 1 else 1].format(n=n) for forms, n in found]
    return ", ".join(parts) or str(words["painted_none"])


def _acts(view: PictureView, words: Words) -> str:
    stored, position = view.stored, view.stored.position
    on_map = f"/#at=17/{position.lat:.6f}/{position.lon:.6f}&picture={stored.id}"
    here = f"/v1/pictures/{stored.id}"
    return (
        '<p class="picture-acts">'
        f'<a class="button primary" href="{escape(on_map)}">{escape(words["on_map"])}</a>'
        f'<a class="button" href="{here}/picture.jpg" download="dashlight-{stored.id}.jpg">'
        f"{escape(words['download'])}</a>"
        f'<a class="button" href="{here}">{escape(words["data"])}</a></p>'
        f'<p class="small quiet">{escape(words["on_map_note"])}</p>'
    )
