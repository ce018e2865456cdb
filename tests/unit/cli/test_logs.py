"""Logs and settings pass no control of a terminal on, and there is one way in which events are written."""

import json
import logging

import pytest

from dashlight.cli import main
from dashlight.cli.edge_options import POLICIES
from dashlight.cli.logs import set_up_logs
from dashlight.model import Policy

EVIL = "a\nERROR\x1b[31m\u202e\u009b"


@pytest.fixture(autouse=True)
def _logger_as_before():
    logger = logging.getLogger("dashlight")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def test_a_logged_value_cannot_act_on_the_terminal(capsys):
    set_up_logs(logging.INFO)

    logging.getLogger("dashlight.edge").info("upload.retried", extra={"code": EVIL, "attempt": 3})

    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "upload.retried code=a\\nERROR\\x1b[31m\\u202e\\x9b attempt=3" in line


def test_a_traceback_cannot_act_on_the_terminal(capsys):
    set_up_logs(logging.INFO)

    try:
        (_ for _ in ()).throw(ValueError(EVIL))
    except ValueError:
        logging.getLogger("dashlight").exception("batch.failed")

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 3
    assert all(line.isprintable() for line in lines)


def test_json_logs_are_one_object_a_line(capsys):
    set_up_logs(logging.INFO, is_json=True)

    logging.getLogger("dashlight.app").info("store.swept", extra={"code": EVIL})

    row = json.loads(capsys.readouterr().err)
    assert (row["event"], row["code"]) == ("store.swept", EVIL)


@pytest.mark.parametrize("is_json", [False, True])
def test_shown_settings_cannot_act_on_the_terminal(tmp_path, capsys, is_json):
    file = tmp_path / "config.toml"
    file.write_text(f"[edge]\nproxy = {json.dumps(EVIL)}\n")

    code = main(["config", "show", "--config", str(file), *(["--json"] if is_json else [])])

    out = capsys.readouterr().out
    assert code == 0
    assert all(line.isprintable() for line in out.splitlines())
    assert "ERROR" in out


def test_the_options_name_every_policy():
    assert set(POLICIES) == set(Policy)
