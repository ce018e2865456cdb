"""The public figures name no picture: they and the events of the map do not change together."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import made_bundles
import pytest
from prometheus_client import CollectorRegistry
from servers import served

from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.worker import is_batch_due, run_due
from dashlight.model import day_of
from dashlight.store import moderated, reports
from dashlight.store.moderated import Decision, Reason, Ruling
from dashlight.store.upkeep import last_batch_day, note_batch

NOON = datetime.now(UTC).replace(hour=12)  # Of today, as for the server's own clock.


@pytest.fixture
def running(tmp_path):
    with served(tmp_path, batch_hour=3) as server:
        server.store.database.write(lambda t: note_batch(t, day_of(NOON)))
        yield server


def told(server):
    return server.client.get("/v1/moderation").json()


def look(server, now):
    """Make the batch if it is due; the server's own look may be at it."""
    is_due = True
    while is_due:
        run_due(server.store.database, server.store.objects, now=now, hour=3)
        with server.store.database.read() as connection:
            is_due = is_batch_due(last_batch_day(connection), now, 3)


def test_a_report_and_its_decision_change_no_figure_before_the_daily_batch(running):
    before = told(running)
    picture = running.publish(made_bundles.archive(3)).picture_ids[0]
    assert running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"}).json()["hidden"]
    look(running, NOON)
    reported = told(running)
    ruling = Ruling(Decision.RESTORE, Reason.UNCLEAR_REPORT, "Nobody can be seen.")
    running.store.database.write(lambda t: reports.decide(t, UUID(picture), ruling, day=day_of(NOON)))
    look(running, NOON)
    decided = told(running)
    look(running, NOON + timedelta(days=1))
    after = told(running)

    assert before == reported == decided
    assert [each["sentence"] for each in after["statements"]] == ["Nobody can be seen."]
    assert sum(each["count"] for each in after["months"][0]["pictures"]) == 2


def test_sentences_of_a_month_are_in_random_order(running):
    def say(transaction):
        for number in range(20):
            ruling = Ruling(Decision.DISMISS, Reason.OTHER, f"Sentence {number}.")
            moderated.say(transaction, ruling, issue="other", day=day_of(NOON))

    running.store.database.write(say)
    look(running, NOON + timedelta(days=1))
    found = [each["sentence"] for each in told(running)["statements"]]
    assert len(found) == 20
    assert found not in (
        [f"Sentence {number}." for number in range(20)],
        [f"Sentence {number}." for number in reversed(range(20))],
    )


def test_a_sentence_that_is_taken_back_is_gone_at_once(running):
    ruling = Ruling(Decision.DISMISS, Reason.OTHER, "Said too much.")
    running.store.database.write(lambda t: moderated.say(t, ruling, issue="other", day=day_of(NOON)))
    look(running, NOON + timedelta(days=1))
    with running.store.database.read() as connection:
        (said,) = moderated.statements(connection)
    assert len(told(running)["statements"]) == 1
    running.store.database.write(lambda t: moderated.unsay(t, said.number))
    assert told(running)["statements"] == []


def test_the_public_gauge_of_what_waits_changes_once_a_day(running):
    metrics = IngestMetrics(CollectorRegistry())
    picture = running.publish(made_bundles.archive(3)).picture_ids[0]
    running.client.post(f"/v1/pictures/{picture}/report", json={"issue": "privacy"})
    store, seen = running.store, []
    for day in (0, 1):
        run_due(store.database, store.objects, now=NOON + timedelta(days=day), hour=3, metrics=metrics)
        seen.append(metrics.waiting.collect()[0].samples[0].value)
    assert seen == [0, 1]
