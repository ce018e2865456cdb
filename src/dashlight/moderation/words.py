"""The words of the operator's page, in the languages of `web/operator/words.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources

from dashlight.model import DAY_MS, day_of, moment_of


def load_words() -> dict[str, dict[str, str]]:
    """Return every language's words by key."""
    text = resources.files("dashlight.web").joinpath("operator", "words.json").read_text(encoding="utf-8")
    return {language: dict(words) for language, words in json.loads(text).items()}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: str
    by_key: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """Return the words of a key with values put in; with `n=1` those of `<key>_one`, where there are any."""
        if values.get("n") == 1 and f"{key}_one" in self.by_key:
            key = f"{key}_one"
        return self.by_key[key].format(**values)

    def knows(self, key: str) -> bool:
        """Return whether there are words for a key."""
        return key in self.by_key

    def day(self, day: int) -> str:
        """Return a day since 1970-01-01 in words."""
        date = moment_of(day * DAY_MS)
        return self.say("date", day=date.day, month=self.say(f"month_{date.month}"), year=date.year)

    def month(self, text: str) -> str:
        """Return a month, `YYYY-MM`, in words."""
        year, _, month = text.partition("-")
        return self.say("year_month", month=self.say(f"month_{int(month)}"), year=year)

    def captured(self, text: str) -> str:
        """Return when a picture was taken, as precisely as it is told (`captured_text`)."""
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return self.say("moment", day=self.day(day_of(moment)), time=f"{moment:%H:%M}")
        if "-W" in text:
            year, _, week = text.partition("-W")
            monday = datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC)
            return self.say("week_of", day=self.day(day_of(monday)))
        return self.month(text)
