"""The operator's page over HTTP: who gets in, what they see, what they decide, and what everybody may know of it."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import made_bundles
import pytest
import sqlalchemy as sa
from authenticators import PRESENT, Authenticator, tampered
from servers import served

from dashlight.cli import main
from dashlight.ingest.worker import run_due
from dashlight.model import day_of
from dashlight.moderation.desk.routes import cookie_of
from dashlight.moderation.origins import origin_of
from dashlight.store import operators, reports, schema
from dashlight.store.told_figures import tell_figures


class Page:
    """A browser's view of the operator's page."""

    def __init__(self, running):
        self.running = running
        port = urlsplit(running.url).port
        self.origin = f"http://localhost:{port}"
        self.client = httpx.Client(
            base_url=self.origin, headers={"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}, trust_env=False
        )
        self.device = Authenticator(self.origin)

    def invite(self, label="Ana"):
        now_ms = time.time_ns() // 1_000_000
        return self.running.store.database.write(lambda t: operators.invite_operator(t, label, now_ms=now_ms))

    def post(self, path, **json_value):
        return self.client.post(f"/operator/{path}", json=json_value)

    def enrol(self, secret=None):
        secret = secret or self.invite()
        options = self.post("enrol/options", invite=secret)
        if options.status_code != 200:
            return options
        return self.post("enrol", invite=secret, credential=self.device.make(options.json()))

    def sign_in(self, **options):
        asked = self.post("sign-in/options").json()
        return self.post("sign-in", **self.device.sign(asked, **options))

    def get(self, path):
        return self.client.get(f"/operator/{path}")

    def decide(self, picture, choice, reason="other", sentence="", **headers):
        name = "reason_for" if choice == "restore" else "reason_against"
        form = {"choice": choice, name: reason, "sentence": sentence}
        return self.client.post(f"/operator/reports/{picture}", data=form, headers=headers)


@pytest.fixture
def running(tmp_path):
    with served(tmp_path, name="Test streets") as server:
        yield server


@pytest.fixture
def page(running):
    page = Page(running)
    yield page
    page.client.close()


@pytest.fixture
def signed_in(page):
    assert page.enrol().status_code == 204
    return page


def reported(running, issue="privacy", comment="that is my door", number=1):
    picture = running.publish(made_bundles.archive(3, bundle_number=number)).picture_ids[0]
    reply = running.client.post(f"/v1/pictures/{picture}/report", json={"issue": issue, "comment": comment})
    assert reply.status_code == 202
    return picture


def public(running):
    running.store.database.write(tell_figures)  # As the daily batch does.
    return running.client.get("/v1/moderation").json()


def test_nobody_sees_anything_without_a_session(running, page):
    picture = reported(running)

    for path in ("reports", f"reports/{picture}", "record"):
        reply = page.get(path)
        assert (reply.status_code, urlsplit(reply.headers["location"]).path) == (303, "/operator/sign-in")
    for name in ("picture", "thumb"):
        assert page.get(f"pictures/{picture}/{name}.jpg").status_code == 401
    assert page.decide(picture, "erase", "face").status_code == 401
    assert page.client.post("/operator/reports", data={"choice": "restore"}).status_code == 401
    assert running.client.get(f"/v1/pictures/{picture}").status_code == 410


def test_the_first_passkey_comes_by_a_link_that_works_once(page):
    secret = page.invite()

    assert page.enrol(secret).status_code == 204
    again = page.enrol(secret)

    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (401, "bad-invite")
    assert page.get("reports").status_code == 200


def test_a_link_is_of_no_use_after_an_hour(running, page):
    long_ago = time.time_ns() // 1_000_000 - operators.INVITE_S * 1000
    secret = running.store.database.write(lambda t: operators.invite_operator(t, "x", now_ms=long_ago))

    assert page.enrol(secret).status_code == 401


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "é" * 43, "A" * 101, None, 7, ["a"]])
def test_a_link_that_was_never_made_enrols_nothing(page, secret):
    assert page.post("enrol/options", invite=secret).status_code in (400, 401)


def test_who_signed_out_signs_in_again_with_the_passkey(signed_in):
    out = signed_in.client.post("/operator/sign-out")
    assert out.status_code == 303
    assert signed_in.get("reports").status_code == 303

    assert signed_in.sign_in().status_code == 204
    assert signed_in.get("reports").status_code == 200


def test_a_cookie_is_for_this_page_of_this_server_and_for_no_script(page):
    cookie = page.enrol().headers["set-cookie"].lower()

    assert {"httponly", "samesite=strict", "path=/operator"} <= {part.strip() for part in cookie.split(";")}
    assert "max-age=3600" in cookie
    assert "domain" not in cookie


def test_with_https_the_cookie_travels_encrypted_only():
    assert cookie_of(origin_of("https://map.example.org", "")).startswith("__Secure-")


def test_a_copied_cookie_is_of_no_use_after_signing_out(signed_in):
    kept = dict(signed_in.client.cookies)
    signed_in.client.post("/operator/sign-out")

    signed_in.client.cookies.update(kept)

    assert signed_in.get("reports").status_code == 303


def test_a_session_dies_and_its_row_with_it(running, signed_in):
    later = datetime.now(UTC) + timedelta(seconds=operators.SESSION_S + 1)

    run_due(running.store.database, running.store.objects, now=later, hour=3)

    assert signed_in.get("reports").status_code == 303
    with running.store.database.read() as connection:
        for table in (schema.operator_session, schema.operator_invite, schema.spent_challenge):
            assert connection.execute(table.select()).all() == []


def test_a_signature_is_good_for_one_session(signed_in):
    signed = signed_in.device.sign(signed_in.post("sign-in/options").json())

    assert signed_in.post("sign-in", **signed).status_code == 204
    assert signed_in.post("sign-in", **signed).status_code == 401


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_signature_that_was_changed_opens_nothing(signed_in, part):
    asked = signed_in.post("sign-in/options").json()

    reply = signed_in.post("sign-in", **tampered(signed_in.device.sign(asked), part))

    assert reply.status_code == 401


def test_a_passkey_whose_user_was_not_verified_opens_nothing(page):
    page.device.flags = PRESENT

    assert page.enrol().status_code == 401


def test_a_passkey_of_another_site_opens_nothing(signed_in):
    signed_in.device.origin = "http://localhost.example.org"

    assert signed_in.sign_in().status_code == 401


def test_a_passkey_that_is_not_enrolled_opens_nothing(signed_in):
    signed_in.device = Authenticator(signed_in.origin)
    options = {"rp": {"id": "localhost"}, "challenge": "AA"}
    signed_in.device.make(options)

    assert signed_in.sign_in().status_code == 404


def test_a_challenge_for_enrolling_is_none_for_signing_in(signed_in):
    options = signed_in.post("enrol/options", invite=signed_in.invite()).json()
    asked = {"rpId": "localhost", "challenge": options["challenge"]}

    assert signed_in.post("sign-in", **signed_in.device.sign(asked)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"response": 1},
        {"rawId": "AA", "response": {"clientDataJSON": "AA"}},
        {"response": {"clientDataJSON": "e30"}},
    ],
)
def test_what_no_browser_sends_is_refused_in_words(page, body):
    assert page.post("sign-in", **body).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_site_can_decide_for_the_operator(running, signed_in, headers):
    picture = reported(running)

    assert signed_in.decide(picture, "erase", "face", **headers).status_code == 401
    assert public(running)["waiting"]["pictures"] == 1
    if headers["Sec-Fetch-Site"] != "same-origin":
        assert signed_in.client.get(f"/operator/pictures/{picture}/picture.jpg", headers=headers).status_code == 401


def test_an_address_without_a_name_says_where_to_sign_in(running):
    reply = running.client.get("/operator/sign-in")

    assert reply.status_code == 400
    assert "http://localhost" in reply.text


def test_every_page_is_strict_and_stored_nowhere(running, signed_in):
    picture = reported(running)

    for path in ("sign-in", "enrol", "reports", "reports?kept=1", f"reports/{picture}", "record"):
        reply = signed_in.get(path)
        policy = reply.headers["content-security-policy"]
        assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "<script>" not in reply.text
        assert "style=" not in reply.text
    reply = signed_in.get(f"pictures/{picture}/picture.jpg")
    assert (reply.headers["cache-control"], reply.headers["cross-origin-resource-policy"]) == (
        "no-store",
        "same-origin",
    )


def test_a_hidden_picture_is_seen_on_this_page_only_and_restored(running, signed_in):
    published = running.publish(made_bundles.archive(2))
    picture = published.picture_ids[0]
    jpeg = running.client.get(f"/v1/pictures/{picture}/picture.jpg").content
    running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy", "comment": "<b>my</b> door"})

    listed, shown = signed_in.get("reports").text, signed_in.get(f"reports/{picture}").text

    assert f"/operator/reports/{picture}" in listed
    assert "&lt;b&gt;my&lt;/b&gt; door" in shown
    assert signed_in.get(f"pictures/{picture}/picture.jpg").content == jpeg
    assert running.client.get(f"/v1/pictures/{picture}/picture.jpg").status_code == 410
    assert signed_in.get(f"pictures/{published.picture_ids[1]}/picture.jpg").status_code == 404

    decided = signed_in.decide(picture, "restore", "nothing_wrong")

    assert decided.status_code == 303
    assert running.client.get(f"/v1/pictures/{picture}/picture.jpg").content == jpeg
    assert signed_in.get(f"pictures/{picture}/picture.jpg").status_code == 404
    assert "Nothing waits" in signed_in.get("reports").text


def test_what_was_restored_is_not_hidden_by_another_report(running, signed_in):
    picture = reported(running)
    signed_in.decide(picture, "restore", "nothing_wrong")

    again = running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"})

    assert again.json() == {"hidden": False}
    assert "Put back before" in signed_in.get(f"reports/{picture}").text


def test_dismissing_leaves_the_picture_and_forgets_the_report(running, signed_in):
    picture = reported(running, issue="other", comment="so ugly")

    signed_in.decide(picture, "restore", "unclear_report")

    assert running.client.get(f"/v1/pictures/{picture}").status_code == 200
    with running.store.database.read() as connection:
        assert connection.execute(schema.report.select()).all() == []
        assert len(connection.execute(schema.cleared.select()).all()) == 1


def test_an_erased_picture_is_gone_from_the_disk(running, signed_in, tmp_path):
    picture = reported(running)
    jpeg = signed_in.get(f"pictures/{picture}/picture.jpg").content

    signed_in.decide(picture, "erase", "face", "A face could be recognised.")

    assert signed_in.get(f"pictures/{picture}/picture.jpg").status_code == 404
    assert running.client.get(f"/v1/pictures/{picture}").status_code == 410
    assert not any(jpeg in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_what_is_kept_hidden_is_erased_after_its_days_unless_decided_otherwise(running, signed_in):
    first, second = reported(running), reported(running, number=2)
    for picture in (first, second):
        signed_in.decide(picture, "keep", "to_be_asked")
    assert "Nothing waits" in signed_in.get("reports").text
    kept = signed_in.get("reports?kept=1").text
    assert (first in kept, second in kept) == (True, True)
    signed_in.decide(second, "restore", "nothing_wrong")

    now = datetime.now(UTC) + timedelta(days=reports.KEPT_DAYS)
    for _ in range(2):
        run_due(running.store.database, running.store.objects, now=now, hour=0)

    assert running.client.get(f"/v1/pictures/{second}").status_code == 200
    with running.store.database.read() as connection:
        assert connection.execute(schema.kept.select()).all() == []
        gone = {bytes(row.id).hex() for row in connection.execute(schema.gone.select())}
    assert gone == {first.replace("-", "")}


def test_many_are_decided_at_once_but_never_erased_so(running, signed_in):
    receipt = running.publish(made_bundles.archive(6))
    for picture in receipt.picture_ids[:3]:
        running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"})
    form = {"picture": list(receipt.picture_ids[:3]), "choice": "erase", "reason_against": "face"}

    refused = signed_in.client.post("/operator/reports", data=form)
    done = signed_in.client.post("/operator/reports", data={**form, "choice": "restore", "reason_for": "flood"})

    assert (refused.status_code, done.status_code) == (400, 303)
    assert running.client.get("/v1/instance").json()["pictures"] == 6


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"choice": "burn"},
        {"choice": "restore", "reason_for": "face"},
        {"choice": "erase", "reason_against": "to_be_asked"},
        {"choice": "erase", "reason_against": "face", "sentence": "x" * 281},
        {"choice": "erase", "reason_against": "face", "sentence": "two\nlines"},
    ],
)
def test_a_wrong_form_decides_nothing_and_says_why(running, signed_in, form):
    picture = reported(running)

    reply = signed_in.client.post(f"/operator/reports/{picture}", data=form)

    assert reply.status_code == 400
    assert 'role="alert"' in reply.text
    assert public(running)["waiting"]["pictures"] == 1


def test_a_refused_form_is_not_typed_again(running, signed_in):
    form = {"choice": "erase", "reason_against": "", "sentence": "A <face>."}

    reply = signed_in.client.post(f"/operator/reports/{reported(running)}", data=form)

    assert "A &lt;face&gt;.</textarea>" in reply.text
    assert 'value="erase" required checked' in reply.text


def test_counts_and_words_are_public_and_name_no_picture(running, signed_in):
    pictures = [reported(running, number=n) for n in (1, 2, 3)]
    signed_in.decide(pictures[0], "erase", "face", "A face could be recognised.")
    signed_in.decide(pictures[1], "restore", "painted_over")

    told = public(running)

    assert told["months"] == [
        {
            "month": f"{datetime.now(UTC):%Y-%m}",
            "refused_uploads": 0,
            "pictures": [
                {"issue": "privacy", "decision": "erase", "count": 1},
                {"issue": "privacy", "decision": "reported", "count": 3},
                {"issue": "privacy", "decision": "restore", "count": 1},
            ],
        }
    ]
    assert told["waiting"] == {"pictures": 1, "days": 0}
    assert [(each["reason"], each["sentence"]) for each in told["statements"]] == [
        ("face", "A face could be recognised.")
    ]
    assert not any(picture in json.dumps(told) for picture in pictures)


def test_the_figures_are_sent_again_only_when_they_changed(running):
    etag = running.client.get("/v1/moderation").headers["etag"]
    same = running.client.get("/v1/moderation", headers={"If-None-Match": etag})
    reported(running)
    running.store.database.write(tell_figures)
    other = running.client.get("/v1/moderation", headers={"If-None-Match": etag})

    assert (same.status_code, other.status_code) == (304, 200)
    schema = running.client.get("/v1/openapi.json").json()
    assert not [path for path in schema["paths"] if path.startswith("/operator")]
    assert "/v1/moderation" in schema["paths"]


def test_a_public_sentence_can_be_taken_back(running, signed_in):
    signed_in.decide(reported(running), "erase", "face", "Said too much.")
    number = re.search(r"/operator/statements/(\d+)/delete", signed_in.get("record").text)[1]

    signed_in.client.post(f"/operator/statements/{number}/delete")

    assert public(running)["statements"] == []


def test_another_passkey_can_be_removed_and_its_sessions_end(running, signed_in):
    other = Page(running)
    other.enrol(other.invite("Lost phone"))
    key = re.search(r"/operator/passkeys/([\w-]+)/delete", signed_in.get("record").text)[1]

    signed_in.client.post(f"/operator/passkeys/{key}/delete")

    assert other.get("reports").status_code == 303
    assert other.sign_in().status_code == 404
    assert signed_in.get("reports").status_code == 200
    other.client.close()


def test_the_pages_are_written_in_the_readers_language(page):
    spanish = page.client.get("/operator/sign-in", headers={"Accept-Language": "es-ES,en;q=0.5"}).text
    chosen = page.client.get("/operator/sign-in?lang=en", headers={"Accept-Language": "es"}).text

    assert '<html lang="es">' in spanish
    assert '<html lang="en">' in chosen
    assert "/operator/reports?lang=en" in chosen


def test_old_reports_and_kept_pictures_say_so(running, signed_in):
    picture = reported(running)
    day = day_of(datetime.now(UTC))
    running.store.database.write(lambda t: t.connection.execute(schema.report.update().values(day=day - 9, comment="")))

    assert "Waits for more than 7 days" in signed_in.get(f"reports/{picture}").text


def test_the_command_prints_a_link_lists_and_removes(tmp_path, capsys):
    with served(tmp_path) as running:
        command = ["operator", "invite", "--data", str(tmp_path), "--label", "Ana", "--json"]
        assert main(command) == 0
        link = json.loads(capsys.readouterr().out)["link"]
        page = Page(running)
        assert page.enrol(link.partition("#")[2]).status_code == 204

        assert main(["operator", "list", "--data", str(tmp_path), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["label"] == "Ana"
        assert main(["operator", "remove", found["passkey"], "--yes", "--data", str(tmp_path)]) == 0
        assert page.get("reports").status_code == 303
        assert main(["operator", "remove", found["passkey"], "--yes", "--data", str(tmp_path)]) == 3
        page.client.close()


@pytest.mark.parametrize(
    ("given", "link"),
    [
        ([], "http://localhost:8400/operator/enrol#"),
        (["--port", "9000"], "http://localhost:9000/operator/enrol#"),
        (["--public-url", "https://roads.example/"], "https://roads.example/operator/enrol#"),
    ],
)
def test_the_link_of_an_invite_goes_where_the_server_is(tmp_path, capsys, given, link):
    with served(tmp_path):
        assert main(["operator", "invite", "--data", str(tmp_path), "--json", *given]) == 0

    assert json.loads(capsys.readouterr().out)["link"].startswith(link)


def test_no_invite_is_made_for_a_port_that_nobody_knows(tmp_path, capsys):
    with served(tmp_path) as running:
        assert main(["operator", "invite", "--data", str(tmp_path), "--port", "0"]) == 2

        with running.store.database.read() as connection:
            assert connection.execute(sa.select(schema.operator_invite)).all() == []
    assert "--port" in capsys.readouterr().err
