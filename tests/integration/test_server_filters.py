"""What a reader wants to see: policies and headings, in an area read from the map's order and along time alike."""

from contextlib import ExitStack

import postgres
import pytest
import street_drives
from servers import served

from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy

HERE = f"{street_drives.OVIEDO.lon - 0.01},{street_drives.OVIEDO.lat - 0.01},-5.83,43.38"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shown(tmp_path_factory, request):
    settings = {}
    with ExitStack() as stack:
        if request.param == "postgresql":
            if postgres.why_not():
                pytest.skip(postgres.why_not())
            settings["database_url"] = stack.enter_context(postgres.running()).url()
        running = stack.enter_context(served(tmp_path_factory.mktemp("filters") / "data", **settings))
        running.publish(street_drives.archive(1, count=3, heading_deg=350.0))
        running.publish(street_drives.archive(2, count=2, heading_deg=100.0, policy=Policy.OPEN), policy=Policy.OPEN)
        personal = street_drives.archive(3, count=1, heading_deg=30.0, policy=Policy.PERSONAL)
        assert running.put(personal, policy=Policy.PERSONAL).status_code == 201
        publish_staged(running.store.database, running.store.objects)
        yield running


@pytest.mark.parametrize("where", [{}, {"bbox": HERE}], ids=["everywhere", "here"])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, {"fleet": 3, "open": 2, "personal": 1}),
        ({"policy": "open"}, {"open": 2}),
        ({"policy": "fleet,personal"}, {"fleet": 3, "personal": 1}),
        ({"heading": "0"}, {"fleet": 3, "personal": 1}),
        ({"heading": "359.9"}, {"fleet": 3, "personal": 1}),
        ({"heading": "100"}, {"open": 2}),
        ({"heading": "145"}, {"open": 2}),
        ({"heading": "145.1"}, {}),
        ({"heading": "0", "policy": "personal"}, {"personal": 1}),
        ({"heading": "200"}, {}),
    ],
)
def test_only_the_wanted_pictures_are_listed(shown, where, wanted, expected):
    features = shown.client.get("/v1/pictures", params={**where, **wanted}).json()["features"]

    policies = [each["properties"]["policy"] for each in features]
    assert {policy: policies.count(policy) for policy in policies} == expected


@pytest.mark.parametrize("where", [{}, {"bbox": HERE}], ids=["everywhere", "here"])
def test_a_cursor_goes_on_among_the_wanted(shown, where):
    asked, found = {**where, "policy": "fleet", "limit": 2}, []
    while True:
        page = shown.client.get("/v1/pictures", params=asked).json()
        found += [each["id"] for each in page["features"]]
        if "next" not in page:
            break
        asked["cursor"] = page["next"]

    assert len(found) == len(set(found)) == 3


@pytest.mark.parametrize(
    "wrong", ["policy=flet", "policy=", "policy=fleet,,open", "heading=360", "heading=-1", "heading=nan", "heading=x"]
)
def test_a_wish_that_cannot_be_is_refused(shown, wrong):
    reply = shown.client.get(f"/v1/pictures?{wrong}")

    assert (reply.status_code, reply.headers["content-type"]) == (400, "application/problem+json")
    assert wrong.split("=")[0] in reply.json()["detail"]
