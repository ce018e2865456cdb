"""No public field of a `personal` picture puts one contributor's pictures together."""

import made_bundles
import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from servers import served

from dashlight.ingest.metrics import IngestMetrics
from dashlight.ingest.personal import publish_staged
from dashlight.model import LonLat, Month, PictureClaim, Policy, destination
from dashlight.store import migrating, schema
from dashlight.wire import BundlePicture, bundle_key, deletion_commitment, deletion_secret, encode_bundle


@pytest.fixture
def own_server(tmp_path):
    with served(tmp_path) as running:
        yield running


def archive(number, *, accuracy_m=None, license_id="CC-BY-SA-4.0", count=3):
    """Return a personal bundle as an edge of before would seal it."""
    pictures = [
        BundlePicture(
            made_bundles.redacted((n * 10 + number) % 200, width=1280, height=720),
            PictureClaim(
                destination(LonLat(-3.7, 40.0 + number / 10), 90.0, n * 2_100.0), Month(2026, 10), 90.0, accuracy_m
            ),
            deletion_commitment(deletion_secret(made_bundles.SEED, number, n)),
        )
        for n in range(count)
    ]
    key = bundle_key(made_bundles.SEED, number)
    return encode_bundle(pictures, key, policy=Policy.PERSONAL, license_id=license_id)


def test_the_accuracy_of_a_receiver_is_told_of_no_personal_picture(own_server):
    own_server.publish(archive(1, accuracy_m=3.8), policy=Policy.PERSONAL)
    own_server.publish(archive(2), policy=Policy.PERSONAL)
    publish_staged(own_server.store.database, own_server.store.objects)

    def found(path, **asked):
        return own_server.client.get(path, params=asked).json()["features"]

    assert found("/api/search", filter='"dashlight:accuracy_m" = 3.8') == []
    assert found("/ogc/collections/pictures/items", accuracy_m="3.8") == []
    told = found("/v1/pictures")
    assert len(told) == 6
    assert {each["properties"]["accuracy_m"] for each in told} == {None}
    with own_server.store.database.read() as connection:
        assert set(connection.execute(sa.select(schema.picture.c.accuracy_dm)).scalars()) == {None}


def test_personal_pictures_of_an_instance_have_one_licence(own_server):
    asked = {"invite": own_server.invite(Policy.PERSONAL), "policy": "personal", "license": "CC0-1.0"}

    refused = own_server.client.post("/v1/enrolments", json=asked)
    bundle = own_server.put(archive(4, license_id="CC0-1.0"), policy=Policy.PERSONAL)
    enrolled = own_server.client.post("/v1/enrolments", json={**asked, "license": "CC-BY-SA-4.0"})
    fleet = {"invite": own_server.invite(Policy.FLEET), "policy": "fleet", "license": "CC0-1.0"}

    assert (refused.status_code, bundle.status_code, enrolled.status_code) == (400, 401, 201)
    assert "CC-BY-SA-4.0" in refused.json()["detail"]
    assert "CC-BY-SA-4.0" in bundle.json()["detail"]
    assert own_server.client.post("/v1/enrolments", json=fleet).status_code == 201


def test_an_enrolment_under_another_licence_draws_no_tokens(tmp_path):
    with served(tmp_path, license="CC0-1.0") as earlier:
        credential = earlier.enrol(Policy.PERSONAL, "CC0-1.0")["credential"]
    with served(tmp_path) as running:
        bearer = {"Authorization": f"Bearer {credential}"}
        reply = running.client.post("/v1/tokens", json={"count": 1}, headers=bearer)
    assert reply.status_code == 401
    assert "CC-BY-SA-4.0" in reply.json()["detail"]


def test_no_counter_tells_how_many_bundles_made_a_batch(own_server):
    own_server.publish(archive(5), policy=Policy.PERSONAL)
    metrics = IngestMetrics(CollectorRegistry())
    publish_staged(own_server.store.database, own_server.store.objects, metrics=metrics)
    assert metrics.bundles.collect()[0].samples == []
    assert [sample.value for sample in metrics.pictures.collect()[0].samples] == [3]


def test_a_migration_forgets_the_accuracy_of_personal_pictures(own_server):
    own_server.publish(archive(6), policy=Policy.PERSONAL)
    own_server.publish(made_bundles.archive(2))
    publish_staged(own_server.store.database, own_server.store.objects)
    (sql,) = [sql for number, sql in migrating.migrations("sqlite") if number == 10]
    picture = schema.picture

    def as_before(transaction):
        transaction.connection.execute(sa.update(picture).values(accuracy_dm=38))
        for statement in sql.split(";"):
            if statement.strip():
                transaction.connection.exec_driver_sql(statement)

    own_server.store.database.write(as_before)
    with own_server.store.database.read() as connection:
        rows = connection.execute(sa.select(picture.c.number > 0, picture.c.accuracy_dm)).all()
    assert sorted({tuple(row) for row in rows}, key=str) == [(False, None), (True, 38)]
