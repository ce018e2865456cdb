"""The operator's page in a browser with a passkey: the whole way from the link to the decision, and how it looks."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import street_drives

from dashlight.config import environment
from dashlight.store import operators

SHOTS = environment().get("DASHLIGHT_TEST_SHOTS")  # A folder for pictures of every screen, to be looked at.


@pytest.fixture
def passkeys(browser):
    """A device of the operator that makes passkeys and verifies its user by itself."""
    driver = browser.driver
    driver.execute_cdp_cmd("WebAuthn.enable", {})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = driver.execute_cdp_cmd("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield made["authenticatorId"]
    driver.execute_cdp_cmd("WebAuthn.removeVirtualAuthenticator", made)
    driver.execute_cdp_cmd("WebAuthn.disable", {})
    driver.delete_all_cookies()


@pytest.fixture
def origin(server):
    return f"http://localhost:{urlsplit(server.url).port}"


def link(server, origin, label="Ana"):
    now_ms = time.time_ns() // 1_000_000
    secret = server.store.database.write(lambda t: operators.invite_operator(t, label, now_ms=now_ms))
    return f"{origin}/operator/enrol#{secret}"


def enrol(browser, server, origin):
    browser.open(link(server, origin))
    browser.find("[data-ceremony]").click()
    browser.wait_text("h1", "Waiting for a decision")


def report(server, picture, issue="privacy", comment="My front door is in the picture."):
    told = {"issue": issue, "comment": comment}
    assert server.client.post(f"/v1/pictures/{picture}/report", json=told).status_code == 202


def is_drawn(browser, selector):
    script = "const i = document.querySelector(arguments[0]); return i && i.complete && i.naturalWidth"
    return browser.wait(lambda: browser.run(script, selector), f"{selector} should be drawn")


def choose(browser, choice, reason, name="reason_for"):
    browser.find(f"[name=choice][value={choice}]").click()
    browser.find(f"[name={name}] option[value={reason}]").click()


def wrong(browser):
    return [each["message"] for each in browser.console() if each["level"] in ("SEVERE", "WARNING")]


def shoot(browser, name):
    if SHOTS:
        height = browser.run("return document.documentElement.scrollHeight")
        width = browser.run("return innerWidth")
        browser.size(width, min(height, 4_000))
        Path(SHOTS, f"{name}.png").write_bytes(browser.driver.get_screenshot_as_png())


def test_from_the_link_to_the_picture_that_is_back(server, browser, passkeys, origin):
    pictures = server.publish(street_drives.archive(1, count=4)).picture_ids
    report(server, pictures[0])
    public = f"{origin}/v1/pictures/{pictures[0]}/picture.jpg"
    assert httpx.get(public, trust_env=False).status_code == 410

    browser.open(link(server, origin))
    assert "#" not in browser.driver.current_url
    browser.find("[data-ceremony=enrol]").click()
    browser.wait_text("h1", "Waiting for a decision")
    held = browser.driver.execute_cdp_cmd("WebAuthn.getCredentials", {"authenticatorId": passkeys})["credentials"]
    assert [each["rpId"] for each in held] == ["localhost"]

    browser.find(".op-out button").click()
    browser.wait_text("h1", "Operator\u2019s page")
    browser.find("[data-ceremony=sign-in]").click()
    browser.wait_text("h1", "Waiting for a decision")
    cookie = browser.driver.get_cookie("dashlight-operator")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/operator")
    assert browser.run("return document.cookie") == ""

    browser.find(".op-card a").click()
    browser.wait_text("h1", "Reported picture")
    assert is_drawn(browser, ".op-report img") == 640
    assert "My front door is in the picture." in browser.text(".op-said")
    choose(browser, "restore", "nothing_wrong")
    browser.find(".op-side form [type=submit]").click()
    browser.wait_text(".op-notice", "it is shown")

    assert httpx.get(public, trust_env=False).status_code == 200
    assert browser.text(".op-empty").startswith("Nothing waits")
    assert not wrong(browser)
    assert not [url for url in browser.requested() if not url.startswith((origin, "data:", "about:"))]


@pytest.mark.usefixtures("passkeys")
def test_without_javascript_all_but_the_passkey_works(server, browser, origin):
    pictures = server.publish(street_drives.archive(1, count=4)).picture_ids
    for picture in pictures[:2]:
        report(server, picture)
    enrol(browser, server, origin)
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(f"{origin}/operator/reports")
        for box in browser.all("[name=picture]"):
            box.click()
        choose(browser, "keep", "private_place", "reason_against")
        browser.find(".op-many [type=submit]").click()
        assert browser.find(".op-notice").text == "Done."
        browser.all(".op-tabs a")[1].click()
        assert len(browser.all(".op-card")) == 2
        browser.driver.get(f"{origin}/operator/sign-in")
        assert "JavaScript" in browser.find("noscript p").text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.usefixtures("passkeys")
def test_a_link_that_was_used_says_so(server, browser, origin):
    used = link(server, origin)
    browser.open(used)
    browser.find("[data-ceremony]").click()
    browser.wait_text("h1", "Waiting for a decision")
    browser.open(used)
    browser.find("[data-ceremony]").click()

    assert "used already" in browser.find("[data-failure]").text


def test_a_device_without_a_passkey_is_told_that_nothing_changed(browser, passkeys, origin):
    browser.open(f"{origin}/operator/sign-in")
    browser.driver.execute_cdp_cmd("WebAuthn.setUserVerified", {"authenticatorId": passkeys, "isUserVerified": False})
    browser.find("[data-ceremony]").click()

    assert "nothing was changed" in browser.find("[data-failure]").text


@pytest.mark.usefixtures("passkeys")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
def test_axe_finds_nothing_and_nothing_is_cut_off(server, browser, axe, origin, scheme, width, height):
    browser.prefer(prefers_color_scheme=scheme)
    pictures = server.publish(street_drives.archive(1, count=12)).picture_ids
    for n, picture in enumerate(pictures[:5]):
        report(server, picture, ["privacy", "blur_missing", "mislocated", "other", "privacy"][n])
    report(server, pictures[2], "copyright", "x" * 200)
    browser.size(width, height, is_phone=width < 700)

    def look(name, words):
        browser.wait_text("h1", words)
        assert browser.violations(axe) == []
        assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
        browser.run("for (const i of document.images) i.loading = 'eager'")
        browser.wait(lambda: browser.run("return [...document.images].every((i) => i.complete)"))
        shoot(browser, f"{name}-{width}-{scheme}")
        browser.size(width, height, is_phone=width < 700)

    browser.open(f"{origin}/operator/sign-in")
    look("sign-in", "Operator\u2019s page")
    browser.open(link(server, origin, "Ana\u2019s phone"))
    look("enrol", "Enrol your passkey")
    browser.find("[data-ceremony]").click()
    look("reports", "Waiting for a decision")
    browser.find("[name=choice][value=keep]").click()
    look("reports-many", "Waiting for a decision")
    browser.driver.get(f"{origin}/operator/reports/{pictures[2]}")
    look("report", "Reported picture")
    choose(browser, "erase", "face", "reason_against")
    look("report-chosen", "Reported picture")
    browser.find("#sentence").send_keys("A face could be recognised.")
    browser.find(".op-side form [type=submit]").click()
    browser.wait_text(".op-notice", "erased")
    browser.driver.get(f"{origin}/operator/record?lang=es")
    look("record-es", "Registro")
    browser.driver.get(f"{origin}/operator/reports?kept=1")
    look("kept", "Kept hidden")
    assert not wrong(browser)
