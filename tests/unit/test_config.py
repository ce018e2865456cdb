import json

import pytest

from dashlight.cli import main
from dashlight.config import EdgeSettings, ServerSettings, load
from dashlight.errors import UsageError


def loaded(tmp_path, text="", *, env=None, flags=None, kind=ServerSettings, section="server"):
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(kind, section, flags=flags or {}, env=env or {}, file=file)


def test_defaults_are_what_the_class_says(tmp_path):
    found = loaded(tmp_path)

    assert found.settings == ServerSettings()
    assert set(found.sources.values()) == {"default"}


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path):
    found = loaded(
        tmp_path,
        "[server]\nport = 1\nname = 'file'\nhost = 'file'\n",
        env={"DASHLIGHT_SERVER_PORT": "2", "DASHLIGHT_SERVER_NAME": "environment"},
        flags={"port": 3, "name": None},
    )

    assert (found.settings.port, found.settings.name, found.settings.host) == (3, "environment", "file")
    assert [found.sources[n] for n in ("port", "name", "host", "license")] == [
        "flag",
        "environment",
        "file",
        "default",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("port", "many"),
        ("recheck_share", "1.5"),
        ("recheck_share", "nan"),
        ("max_uploads", "0"),
        ("batch_hour", "24"),
        ("name", ""),
        ("name", "x" * 81),
        ("name", "two\nlines"),
    ],
)
def test_a_value_out_of_bounds_is_told(tmp_path, name, value):
    with pytest.raises(UsageError, match=f"(?i){name}"):
        loaded(tmp_path, env={f"DASHLIGHT_SERVER_{name.upper()}": value}, flags={})


@pytest.mark.parametrize("text", ["[server]\nunknown = 1\n", "server = 1\n", "not toml"])
def test_a_file_that_is_wrong_is_told(tmp_path, text):
    with pytest.raises(UsageError):
        loaded(tmp_path, text)


@pytest.mark.parametrize(("kind", "section"), [(ServerSettings, "server"), (EdgeSettings, "edge")])
def test_every_setting_is_described(kind, section):
    for name in kind.__slots__:
        assert f"        {name}: " in kind.__doc__, f"{section}.{name}"


def test_config_show_tells_every_value_and_its_source(tmp_path, capsys):
    file = tmp_path / "config.toml"
    file.write_text("[server]\nname = 'shown'\n", encoding="utf-8")

    assert main(["config", "show", "--config", str(file), "--json"]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"section": "server", "name": "name", "value": "shown", "source": "file"} in rows
    assert {(r["section"], r["name"]) for r in rows} == {
        *(("server", n) for n in ServerSettings.__slots__),
        *(("edge", n) for n in EdgeSettings.__slots__),
    }
