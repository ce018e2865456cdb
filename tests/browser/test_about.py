"""The page about the map, and the name of the instance: what the page says of it is true and can be read."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
import street_drives
from servers import served

from dashlight.model import day_of
from dashlight.store import reports
from dashlight.store.moderated import Decision, Reason, Ruling
from dashlight.store.told_figures import tell_figures

HERE = f"#at=17/{street_drives.OVIEDO.lat}/{street_drives.OVIEDO.lon}"
DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def line(browser, language):
    browser.wait(lambda: browser.all(f"article[lang={language}] .facts-line:not([hidden])"))
    return browser.text(f"article[lang={language}] .facts-line:not([hidden])")


@pytest.mark.usefixtures("quiet")
def test_an_empty_map_is_said_to_be_empty(server, browser):
    browser.open(f"{server.url}/about#en")

    assert line(browser, "en") == "Test streets has no pictures yet. They will come under CC BY-SA 4.0."
    browser.find("[data-language=es]").click()
    assert line(browser, "es") == "Test streets no tiene imágenes todavía. Vendrán con licencia CC BY-SA 4.0."


@pytest.mark.usefixtures("quiet")
def test_the_pictures_of_one_day_are_of_that_day(server, browser):
    server.publish(street_drives.archive(1, count=1, started_at=DAY))

    browser.open(f"{server.url}/about#en")

    assert line(browser, "en") == "Test streets has 1 picture (2 March 2026), under CC BY-SA 4.0."
    browser.find("[data-language=es]").click()
    assert line(browser, "es") == "Test streets tiene 1 imagen (2 de marzo de 2026), con licencia CC BY-SA 4.0."


@pytest.mark.usefixtures("quiet")
def test_the_pictures_of_several_days_are_of_a_range(server, browser):
    server.publish(street_drives.archive(1, count=2, started_at=DAY))
    server.publish(street_drives.archive(2, count=2, started_at=DAY.replace(month=4)))

    browser.open(f"{server.url}/about#en")

    said = line(browser, "en").replace("\u2009", " ").replace("\u2013", "to")  # A thin space, a dash.
    assert said == "Test streets has 4 pictures (2 March to 2 April 2026), under CC BY-SA 4.0."


@pytest.mark.usefixtures("quiet")
def test_without_a_contact_none_is_promised(server, browser):
    browser.open(f"{server.url}/about#en")
    line(browser, "en")

    assert not browser.find("#removal ~ *:last-child").text.startswith("Who runs")
    assert not any(each.is_displayed() for each in browser.all("[data-if=contact]"))


@pytest.mark.parametrize(
    ("contact", "href"),
    [
        ("map@example.org", "mailto:map@example.org"),
        ("https://example.org/map", "https://example.org/map"),
        ("At the town hall, room 4", None),
        ("javascript:alert(1)", None),
        ("x?bcc=a@example.org", None),
    ],
)
def test_a_contact_is_shown_and_leads_only_to_mail_or_the_web(tmp_path, browser, axe, contact, href):
    with served(tmp_path / "data", contact=contact) as running:
        browser.open(f"{running.url}/about#en")
        line(browser, "en")
        shown = [each for each in browser.all("[data-fact=contact]") if each.is_displayed()]

        assert [each.text for each in shown] == [contact, contact]
        assert {each.get_dom_attribute("href") for each in shown} == {href}
        assert browser.violations(axe) == []


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_reports_and_decisions_are_told(server, browser, axe, width, height):
    pictures = server.publish(street_drives.archive(1, count=4)).picture_ids
    browser.size(width, height, is_phone=width < 700)
    browser.open(f"{server.url}/about#en")
    browser.wait_text("article[lang=en] [data-decisions]", "Nothing was reported yet.")
    for picture in pictures[:2]:
        server.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"})
    ruling = Ruling(Decision.ERASE, Reason.FACE, "A face could be recognised.")
    server.store.database.write(lambda t: reports.decide(t, UUID(pictures[0]), ruling, day=day_of(datetime.now(UTC))))
    server.store.database.write(tell_figures)  # As the daily batch does.

    browser.open(f"{server.url}/about#en")

    browser.wait_text("article[lang=en] [data-decisions]", "1 picture waits for a decision.")
    cells = [each.text for each in browser.all("article[lang=en] [data-decisions] td")]
    assert cells == ["2", "0", "0", "1", "0"]
    assert "A face could be recognised." in browser.text("article[lang=en] [data-decisions] ul")
    assert browser.violations(axe) == []
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    browser.find("[data-language=es]").click()
    assert "Denunciadas" in browser.text("article[lang=es] [data-decisions]")


@pytest.mark.parametrize("name", ["Test streets", "Street pictures of Oviedo and its villages", "Wayfare " * 10])
@pytest.mark.parametrize("width", [320, 360, 500])
def test_a_phone_shows_the_whole_name_of_the_instance(tmp_path, browser, name, width):
    browser.size(width, 740, is_phone=True)
    with served(tmp_path / "data", name=name.strip()) as running:
        browser.open(f"{running.url}/{HERE}")
        browser.wait_text(".bar-name", name.strip())
        hidden = browser.run("""
            const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.querySelector('.bar-name');
            return [scrollWidth - clientWidth, scrollHeight - clientHeight];
        """)
        inside = browser.run("""
            const bar = document.querySelector('.bar').getBoundingClientRect();
            return [...document.querySelectorAll('.bar > *, .bar .button')].map((each) => each.getBoundingClientRect())
                .every(({ top, bottom, right }) => top >= bar.top && bottom <= bar.bottom && right <= bar.right);
        """)

        assert max(hidden) <= 0
        assert inside
