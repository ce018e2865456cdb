"""Nobody can tell a picture that a report hid from one that its owner erased."""

import re
from uuid import UUID

import made_bundles
import pytest
import sqlalchemy as sa
from servers import served

from dashlight.store.schema import object_, picture
from dashlight.wire import deletion_secret, to_base64url

COUNT, HIDDEN, ERASED = 12, 3, 8


def secret(number):
    return {"Dashlight-Deletion-Secret": to_base64url(deletion_secret(made_bundles.SEED, 1, number))}


@pytest.fixture
def told(tmp_path):
    """Yield a server of one bundle, its pictures' ids, its key and the ranges of each, as they were before."""
    with served(tmp_path) as server:
        ids = server.publish(made_bundles.archive(COUNT, bundle_number=1)).picture_ids
        with server.store.database.read() as connection:
            key = connection.execute(sa.select(object_.c.key)).scalar_one()
            rows = connection.execute(sa.select(picture)).all()
        ranges = {
            str(UUID(bytes=row.id)): (row.offset_bytes, row.thumbnail_offset_bytes + row.thumbnail_size_bytes)
            for row in rows
        }
        yield server, ids, key, [ranges[each] for each in ids]


def hide(server, picture_id):
    assert server.client.post(f"/v1/pictures/{picture_id}/report", json={"issue": "privacy"}).json()["hidden"]


def erase(server, picture_id, number):
    assert server.client.delete(f"/v1/pictures/{picture_id}", headers=secret(number)).status_code == 204


def test_a_wrong_secret_does_not_tell_hidden_from_erased(told):
    server, ids, _, _ = told
    hide(server, ids[HIDDEN])
    erase(server, ids[ERASED], ERASED)

    def answer(number):
        wrong = {"Dashlight-Deletion-Secret": to_base64url(bytes(32))}
        reply = server.client.delete(f"/v1/pictures/{ids[number]}", headers=wrong)
        headers = {name: value for name, value in reply.headers.items() if name not in ("date", "server")}
        return reply.status_code, re.sub(ids[number], "", reply.text), headers

    assert answer(HIDDEN)[0] == 410
    assert answer(HIDDEN) == answer(ERASED)
    assert answer(0)[0] == 401


def test_its_owner_erases_a_hidden_picture_and_is_told_of_it_once(told):
    server, ids, _, _ = told
    hide(server, ids[HIDDEN])
    url = f"/v1/pictures/{ids[HIDDEN]}"
    assert [server.client.delete(url, headers=secret(HIDDEN)).status_code for _ in range(2)] == [204, 410]


@pytest.mark.parametrize("number", [0, 5, COUNT - 1])
def test_no_range_of_a_bundle_tells_hidden_from_erased(told, number):
    server, ids, key, ranges = told
    starts = sorted({at for start, end in ranges for at in (0, 512, start - 512, start, start + 5, end - 5, end)})

    def answers():
        return [
            server.client.get(f"/v1/objects/{key}", headers={"Range": f"bytes={at}-{at + 9}"}).status_code
            for at in starts
        ]

    whole = answers()
    hide(server, ids[number])
    hidden = answers()
    erase(server, ids[number], number)
    assert answers() == hidden
    assert 410 in hidden
    assert 410 not in whole
    others = [at for at, code in zip(starts, hidden, strict=True) if code == 206]
    assert {start for n, (start, _) in enumerate(ranges) if n != number} <= set(others)
