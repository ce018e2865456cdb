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


def test_what_is_no_link_to_a_picture_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["forget", "--picture", "../instance", "--home", str(tmp_path), "--yes"])

    assert ended.value.code == 2
    assert "is no link to a picture" in capsys.readouterr().err


def test_a_picture_is_named_by_its_link_or_by_its_identifier(tmp_path, capsys):
    name = "d7858613-07ac-4aa7-9de3-07f0281d7560"

    for text in (
        name.upper(),
        f"https://roads.example/p/{name}",
        f"https://roads.example/#at=16/52.5/13.4&picture={name}",
    ):
        assert main(["forget", "--picture", text, "--home", str(tmp_path), "--yes"]) == 3
        assert f"the picture {name} is none" in capsys.readouterr().err


@pytest.mark.parametrize("day", ["2026-1-2", "yesterday", "2026-02-30"])
def test_a_day_to_forget_is_a_day(day, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["forget", "--day", day, "--home", str(tmp_path), "--yes"])

    assert ended.value.code == 2
    assert "is not a day such as" in capsys.readouterr().err
