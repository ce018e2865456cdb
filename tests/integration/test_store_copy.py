"""`dashlight store copy`: everything arrives, either way; cut off it goes on; what is not whole serves nobody."""

import json

import made_bundles
import pytest
import sqlalchemy as sa
from derived_rows import check
from servers import personal_archive, served

from dashlight.cli import main
from dashlight.config import ServerSettings
from dashlight.errors import Corrupt, HostError, Unavailable
from dashlight.ingest.personal import publish_staged
from dashlight.model import Policy
from dashlight.store import copying, schema
from dashlight.store.copying import KEYS, LEFT_OUT, Side, copy_store
from dashlight.store.unfinished import MARK
from dashlight.store.upkeep import open_database, open_objects, open_store
from dashlight.wire import deletion_secret, to_base64url


def fill(folder, **settings):
    """Make a store with something in nearly every table; return a receipt."""
    with served(folder, **settings) as server:
        receipts = [server.publish(made_bundles.archive(4, bundle_number=n)) for n in (1, 2)]
        server.publish(personal_archive(3, 5000), policy=Policy.PERSONAL)
        publish_staged(server.store.database, server.store.objects)
        server.publish(personal_archive(2, 5001), policy=Policy.PERSONAL)
        secret = to_base64url(deletion_secret(made_bundles.SEED, 2, 3))
        url = f"/v1/pictures/{receipts[1].picture_ids[3]}"
        assert server.client.delete(url, headers={"Dashlight-Deletion-Secret": secret}).status_code == 204
        url = f"/v1/pictures/{receipts[1].picture_ids[2]}/report"
        assert server.client.post(url, json={"issue": "privacy", "comment": "mine"}).json() == {"hidden": True}
        server.enrol(Policy.OPEN)
    return receipts[0]


def settings_file(path, **settings):
    lines = [f"{name} = {json.dumps(str(value))}" for name, value in settings.items()]
    path.write_text("\n".join(["[server]", *lines]) + "\n")
    return path


def everything(folder, settings):
    """Return all rows and all bytes of a store."""
    database = open_database(folder, settings)
    objects = open_objects(folder, settings)
    try:
        with database.read() as connection:
            tables = {
                name: sorted(map(repr, connection.execute(sa.select(schema.METADATA.tables[name])).all()))
                for name in KEYS
                if name != "setting"
            }
            sizes = connection.execute(sa.select(schema.object_.c.key, schema.object_.c.size_bytes)).all()
        return tables, {key: objects.read(key, 0, size) for key, size in sizes}
    finally:
        database.close()


@pytest.fixture
def places(tmp_path, backends):
    chosen = {**backends.settings("postgresql-s3"), "data": tmp_path / "scaled"}
    return chosen, settings_file(tmp_path / "scaled.toml", **chosen)


def test_every_table_is_copied_or_left_out_on_purpose():
    assert set(KEYS) | LEFT_OUT == set(schema.METADATA.tables)


def test_a_folder_moves_to_postgresql_and_s3_and_back(tmp_path, places, capsys):
    chosen, file = places
    receipt = fill(tmp_path / "one")
    before = everything(tmp_path / "one", ServerSettings())

    assert main(["store", "copy", "--from", str(tmp_path / "one"), "--to", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pictures"], told["objects"], told["resumed_objects"]) == (10, len(before[1]), 0)
    assert everything(chosen["data"], ServerSettings(**chosen)) == before
    with served(chosen.pop("data"), **chosen) as server:
        jpeg = server.client.get(f"/v1/pictures/{receipt.picture_ids[1]}/picture.jpg").content
        assert jpeg == made_bundles.redacted(1).jpeg
        server.publish(made_bundles.archive(2, bundle_number=9))
        check(server.store.database)
        with server.store.database.read() as connection:
            numbers = sorted(connection.execute(sa.select(schema.picture.c.number)).scalars())
        assert numbers[3:] == [*range(1, 8), 9, 10], "the numbers of erased pictures are not given again"
        assert numbers[2] < 0, "those of personal pictures are drawn"
    after = everything(tmp_path / "scaled", ServerSettings(**chosen))

    assert main(["store", "copy", "--from", str(file), "--to", str(tmp_path / "two")]) == 0
    assert everything(tmp_path / "two", ServerSettings()) == after
    assert (tmp_path / "two" / "server.key").read_bytes() == (tmp_path / "one" / "server.key").read_bytes()
    with served(tmp_path / "two") as server:
        assert server.client.get("/v1/instance").json()["pictures"] == 11
        server.publish(made_bundles.archive(1, bundle_number=10))
        check(server.store.database)


def sides(tmp_path, chosen):
    one, two = ServerSettings(), ServerSettings(**chosen)
    return (
        Side(open_database(tmp_path / "one", one), open_objects(tmp_path / "one", one)),
        Side(open_database(chosen["data"], two), open_objects(chosen["data"], two)),
    )


class Cut:
    """Breaks a call of a real part at its n-th time."""

    def __init__(self, owner, name, at):
        self._real, self._left = getattr(owner, name), at
        setattr(owner, name, self)

    def __call__(self, *args, **kwargs):
        self._left -= 1
        if self._left == 0:
            raise Unavailable("the connection is lost")
        return self._real(*args, **kwargs)


@pytest.mark.parametrize(("part", "at"), [("objects.adopt", 2), ("database.write", 4), ("database.write", 20)])
def test_a_copy_that_is_cut_off_goes_on_and_serves_nobody_until_it_is_whole(tmp_path, places, monkeypatch, part, at):
    chosen, _ = places
    monkeypatch.setattr(copying, "ROWS_AT_ONCE", 3)
    fill(tmp_path / "one")
    before = everything(tmp_path / "one", ServerSettings())
    source, target = sides(tmp_path, chosen)
    try:
        owner, name = part.split(".")
        Cut(getattr(target, owner), name, at)
        with pytest.raises(Unavailable):
            copy_store(source, target)
    finally:
        source.database.close()
        target.database.close()
    with pytest.raises(HostError, match="not finished"):
        open_store(chosen["data"], ServerSettings(**chosen))

    source, target = sides(tmp_path, chosen)
    try:
        moved = copy_store(source, target)
    finally:
        source.database.close()
        target.database.close()

    assert moved.resumed_objects == (1 if part == "objects.adopt" else len(before[1]))
    assert everything(chosen["data"], ServerSettings(**chosen)) == before
    open_store(chosen["data"], ServerSettings(**chosen)).database.close()


def test_a_copy_that_differs_is_told(tmp_path, places):
    chosen, _ = places
    fill(tmp_path / "one")
    source, target = sides(tmp_path, chosen)
    try:
        target.database.write(
            lambda t: (
                t.connection.execute(sa.insert(schema.setting).values(name=MARK, value='{"gone": [{"hex": "ff"}]}'))
                and 1
            )
        )
        with pytest.raises(Corrupt, match="table gone"):
            copy_store(source, target)
    finally:
        source.database.close()
        target.database.close()


def test_a_place_that_holds_something_is_not_written_over(tmp_path, capsys):
    fill(tmp_path / "one")
    fill(tmp_path / "two")
    (tmp_path / "two" / "server.key").write_bytes((tmp_path / "one" / "server.key").read_bytes())

    assert main(["store", "copy", "--from", str(tmp_path / "one"), "--to", str(tmp_path / "two")]) == 3

    assert "holds rows already" in capsys.readouterr().err


def test_a_store_that_a_server_runs_on_is_not_copied(tmp_path, places, capsys):
    chosen, file = places
    key = tmp_path / "scaled" / "server.key"
    with served(tmp_path / "scaled", **{name: value for name, value in chosen.items() if name != "data"}):
        assert key.is_file()
        code = main(["store", "copy", "--from", str(file), "--to", str(tmp_path / "two")])

    assert code == 7
    assert "servers run on the database" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("nothing", "two", "no server's data"),
        ("nothing.toml", "two", "no settings file"),
        ("one", "one", "the same place"),
    ],
)
def test_places_that_are_wrong_are_told(tmp_path, capsys, source, target, words):
    open_store(tmp_path / "one").database.close()

    code = main(["store", "copy", "--from", str(tmp_path / source), "--to", str(tmp_path / target)])

    assert code == 3
    assert words in capsys.readouterr().err
