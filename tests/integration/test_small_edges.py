"""A refused restore leaves nothing, a pipe is no backup, redirects and pages of what is gone say nothing wrong."""

import os
import shutil

import made_bundles
import pytest
from servers import served

from dashlight.errors import DashlightError
from dashlight.store.backup import CONTENTS, back_up, restore
from dashlight.store.erasures import Erasures


@pytest.fixture
def backup(tmp_path):
    with served(tmp_path / "data") as server:
        server.publish(made_bundles.archive(3))
        back_up(tmp_path / "data", tmp_path / "backup")
    return tmp_path / "backup"


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("part", ["dashlight.sqlite", "objects"])
def test_a_refused_restore_leaves_the_folder_as_it_was(backup, tmp_path, part, is_there):
    damaged, new = tmp_path / "damaged", tmp_path / "new"
    shutil.copytree(backup, damaged)
    files = [path for path in [damaged / part, *(damaged / part).rglob("*")] if path.is_file()]
    files[0].write_bytes(bytes(files[0].stat().st_size))
    if is_there:
        new.mkdir()
    with pytest.raises(DashlightError):
        restore(damaged, new, Erasures())
    assert new.exists() == is_there
    assert not is_there or list(new.iterdir()) == []
    assert restore(backup, new, Erasures()).pictures == 3


def test_a_pipe_is_no_backup(backup, tmp_path):
    (backup / CONTENTS).unlink()
    os.mkfifo(backup / CONTENTS)
    with pytest.raises(DashlightError, match="not a file"):
        restore(backup, tmp_path / "new", Erasures())


def test_a_redirect_names_no_host_of_the_clients_and_a_missing_page_is_not_kept(tmp_path):
    with served(tmp_path) as server:
        moved = server.client.get("/v1/pictures/?limit=1", headers={"Host": "evil.example"})
        missing = server.client.get("/p/8b6c1a52-5c3e-4a4e-9d9c-0f1d2e3a4b5c")
    assert (moved.status_code, moved.headers["location"]) == (307, "/v1/pictures?limit=1")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
