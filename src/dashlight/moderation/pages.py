"""The pages as text: templates of `web/operator`, filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2

from dashlight.model import preferred_language
from dashlight.moderation.words import Words, load_words
from dashlight.wire import to_base64url

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is written.

    Attributes:
        words: In their language.
        wish: The language that they chose, or empty; links keep it.
    """

    words: Words
    wish: str

    def link(self, path: str, **query: object) -> str:
        """Return a link within the page."""
        asked = {name: value for name, value in query.items() if value not in (None, "", 0)}
        if self.wish:
            asked["lang"] = self.wish
        return path + ("?" + urlencode(asked) if asked else "")


class Pages:
    """Fills templates in.

    Args:
        instance: The instance's name.
    """

    def __init__(self, instance: str) -> None:
        folder = Path(str(resources.files("dashlight.web"))) / "operator"
        self._instance = instance
        self._words = load_words()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["base64url"] = to_base64url

    def reader(self, wish: str, accepted: str) -> Reader:
        """Return for whom to write, from the language they chose and what their browser says."""
        language = preferred_language(wish, accepted, self._words)
        return Reader(Words(language, self._words[language]), wish if wish in self._words else "")

    def write(self, name: str, reader: Reader, values: Mapping[str, Any]) -> str:
        """Return a page.

        Args:
            name: Of the template.
            reader: For whom.
            values: That it needs.
        """
        others = {code: words["language"] for code, words in self._words.items()}
        return self._templates.get_template(f"{name}.jinja").render(
            instance=self._instance,
            languages=others,
            reader=reader,
            t=reader.words.say,
            words=reader.words,
            link=reader.link,
            **values,
        )
