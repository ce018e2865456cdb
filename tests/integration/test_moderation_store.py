"""What moderation asks of the store is the same on every database."""

from dataclasses import replace
from uuid import UUID

import made_bundles
import pytest
from servers import served

from dashlight.errors import Conflict, NotFound, Unauthorized
from dashlight.store import moderated, operators, reports, schema
from dashlight.store.moderated import HIDING, Decision, Reason, Ruling
from dashlight.store.operators import Passkey

DAY = 20_780  # 2026-11-23
NOW_MS = DAY * 86_400_000


@pytest.fixture(params=["sqlite-folder", "postgresql-folder"])
def running(request, tmp_path, backends):
    with served(tmp_path, **backends.settings(request.param)) as server:
        yield server


def write(running, job, *arguments, **options):
    return running.store.database.write(lambda t: job(t, *arguments, **options))


def read(running, job, *arguments, **options):
    with running.store.database.read() as connection:
        return job(connection, *arguments, **options)


def rows(running, table):
    return read(running, lambda connection: connection.execute(table.select()).all())


def number_of(running, picture):
    query = schema.picture.select().where(schema.picture.c.id == UUID(picture).bytes)
    return read(running, lambda connection: connection.execute(query).one().number)


def test_reports_are_queued_counted_and_decided(running):
    pictures = running.publish(made_bundles.archive(6)).picture_ids
    numbers = [number_of(running, picture) for picture in pictures]
    write(running, reports.file, numbers[0], issue="other", comment="", day=DAY - 3)
    for number in numbers[1:4]:
        write(running, reports.hide_and_file, number, issue="privacy", comment="x", day=DAY - 1)
    write(running, reports.file, numbers[4], issue="privacy", comment="", day=DAY)

    order = [numbers[4], *numbers[1:4], numbers[0]]
    assert read(running, reports.queue, urgent=HIDING) == order
    assert (read(running, reports.count_waiting), read(running, reports.count_waiting, is_kept=True)) == (5, 0)
    assert str(read(running, reports.reported, order)[0].picture_id) == pictures[4]
    assert read(running, reports.count_held, HIDING) == 3
    assert read(running, reports.count_held_near, numbers[0], HIDING) == (3, 3)
    assert read(running, reports.shown_though_reported, HIDING) == [UUID(pictures[4])]
    assert read(running, reports.oldest_day) == DAY - 3

    for picture, decision, reason in (
        (pictures[0], Decision.RESTORE, Reason.UNCLEAR_REPORT),
        (pictures[1], Decision.RESTORE, Reason.NOTHING_WRONG),
        (pictures[2], Decision.KEEP, Reason.TO_BE_ASKED),
        (pictures[3], Decision.ERASE, Reason.FACE),
        (pictures[4], Decision.KEEP, Reason.PRIVATE_PLACE),
    ):
        write(running, reports.decide, UUID(picture), Ruling(decision, reason, f"{decision}."), day=DAY)
    assert reports.carry_out(running.store.database, running.store.objects) == 5

    assert read(running, reports.queue, urgent=HIDING) == []
    assert read(running, reports.queue, is_kept=True) == [numbers[2], numbers[4]]
    assert read(running, reports.count_held, HIDING) == 0
    assert [read(running, reports.is_cleared, number) for number in numbers] == [True, True] + [False] * 4
    status = [running.client.get(f"/v1/pictures/{picture}").status_code for picture in pictures]
    assert status == [200, 200, 410, 410, 410, 200]
    counted = {(c.issue, c.decision): c.pictures for c in read(running, moderated.counts)}
    assert counted[("privacy", "keep")] == 2
    assert counted[("other", "dismiss")] == 1
    assert [each.sentence for each in read(running, moderated.statements)][:1] == ["keep."]

    assert write(running, reports.erase_kept, DAY + reports.KEPT_DAYS - 1) == 0
    assert write(running, reports.erase_kept, DAY + reports.KEPT_DAYS) == 2
    assert reports.carry_out(running.store.database, running.store.objects) == 2
    assert rows(running, schema.kept) == []
    with pytest.raises(NotFound):
        read(running, reports.find_waiting, UUID(pictures[2]))


def test_sessions_are_rows_that_die(running):
    key = Passkey(b"id" * 8, b"public", "Ana")
    secret = write(running, operators.invite_operator, "Ana", now_ms=NOW_MS)
    assert read(running, operators.find_invite, secret, now_ms=NOW_MS) == "Ana"
    write(running, operators.enrol_passkey, secret, key, now_ms=NOW_MS)
    with pytest.raises(Unauthorized):
        read(running, operators.find_invite, secret, now_ms=NOW_MS)
    second = write(running, operators.invite_operator, "Ben", now_ms=NOW_MS)
    with pytest.raises(Conflict):
        write(running, operators.enrol_passkey, second, key, now_ms=NOW_MS)
    opened = {"challenge": b"c" * 56, "challenge_ends_ms": NOW_MS + 1, "now_ms": NOW_MS}
    session = write(running, operators.open_session, key.id, **opened)
    with pytest.raises(Unauthorized):
        write(running, operators.open_session, key.id, **opened)

    assert read(running, operators.find_session, session, now_ms=NOW_MS).passkey == key
    ends_ms = NOW_MS + operators.SESSION_S * 1000
    with pytest.raises(Unauthorized):
        read(running, operators.find_session, session, now_ms=ends_ms)
    assert read(running, operators.is_ended_due, now_ms=ends_ms)
    write(running, operators.forget_ended, now_ms=ends_ms)
    for table in (schema.operator_session, schema.operator_invite, schema.spent_challenge):
        assert rows(running, table) == []

    again = write(running, operators.open_session, key.id, **{**opened, "challenge": b"d" * 56})
    write(running, operators.remove_passkey, key.id)
    with pytest.raises(Unauthorized):
        read(running, operators.find_session, again, now_ms=NOW_MS)
    with pytest.raises(NotFound):
        write(running, operators.open_session, key.id, **{**opened, "challenge": b"e" * 56})


def test_only_so_many_passkeys_can_be_enrolled(running):
    for n in range(operators.MAX_PASSKEYS + 1):
        secret = write(running, operators.invite_operator, "x", now_ms=NOW_MS)
        key = replace(Passkey(b"", b"public", "x"), id=n.to_bytes(16))
        if n < operators.MAX_PASSKEYS:
            write(running, operators.enrol_passkey, secret, key, now_ms=NOW_MS)
    with pytest.raises(Conflict):
        write(running, operators.enrol_passkey, secret, key, now_ms=NOW_MS)
