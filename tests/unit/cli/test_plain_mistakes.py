"""What a person gets wrong first is told in words that help."""

import pytest

from dashlight.cli import main


def test_a_folder_without_recordings_is_told(tmp_path, capsys):
    (tmp_path / "card").mkdir()

    code = main(["edge", "import", str(tmp_path / "card"), "--home", str(tmp_path / "home")])

    shown = capsys.readouterr()
    assert code == 3
    assert "there is no recording in this folder" in shown.out + shown.err


def test_an_invite_needs_the_folder_of_a_server(tmp_path, capsys):
    code = main(["invite", "create", "--data", str(tmp_path / "typo"), "--policy", "personal"])

    assert code == 3
    assert "dashlight serve" in capsys.readouterr().err
    assert not (tmp_path / "typo" / "dashlight.sqlite").exists()


@pytest.mark.parametrize("day", ["2026-1-2", "yesterday", "2026-02-30"])
def test_a_day_to_forget_is_a_day(day, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["forget", "--day", day, "--home", str(tmp_path), "--yes"])

    assert ended.value.code == 2
    assert "is not a day such as" in capsys.readouterr().err
