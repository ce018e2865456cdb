import json

import pytest

from dashlight.cli import main
from dashlight.config import (
    EdgeSettings,
    ServerSettings,
    Supervision,
    Unknown,
    load,
    masked,
    supervision,
    unknown_names,
)
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
        ("contact", "x" * 201),
        ("contact", "two\nlines"),
        ("trusted_proxy", "*"),
        ("trusted_proxy", "127.0.0.1, *"),
        ("trusted_proxy", "caddy"),
        ("presigned_s", "301"),
        ("presigned_s", "-1"),
        ("presigned_endpoint", "s3.example.org"),
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


def test_what_names_no_setting_is_told_with_the_nearest_that_does(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[sever]\nport = 1\n[edge]\nevry_m = 3\nqqqq = 1\n[server]\nport = 1\n", encoding="utf-8")
    env = {"DASHLIGHT_SERVER_RECHEK_SHARE": "1", "DASHLIGHT_CONFIG": "x", "DASHLIGHT_EDGE_HOME": "y", "OTHER": "z"}

    found = unknown_names(env, file)

    assert found == [
        Unknown("environment", "DASHLIGHT_SERVER_RECHEK_SHARE", "DASHLIGHT_SERVER_RECHECK_SHARE"),
        Unknown(str(file), "sever", "server"),
        Unknown(str(file), "edge.evry_m", "edge.every_m"),
        Unknown(str(file), "edge.qqqq", ""),
    ]


def test_a_slip_in_the_servers_own_table_stops_it_and_says_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="rechek_share") as caught:
        loaded(tmp_path, "[server]\nrechek_share = 1\n")

    assert caught.value.hint == "did you mean recheck_share?"


def test_a_command_warns_of_a_slip_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DASHLIGHT_EDGE_EVRY_M", "3")
    file = tmp_path / "config.toml"
    file.write_text("[wrong_table]\n", encoding="utf-8")

    assert main(["config", "show", "--config", str(file)]) == 0

    told = [line[line.index("settings.") :] for line in capsys.readouterr().err.splitlines()]
    assert told == [
        "settings.unknown source=environment given=DASHLIGHT_EDGE_EVRY_M nearest=DASHLIGHT_EDGE_EVERY_M",
        f"settings.unknown source={file} given=wrong_table",
    ]


@pytest.mark.parametrize(
    ("env", "flag", "expected"),
    [
        ({}, "", ("{home}/.local/share/dashlight/edge", "default")),
        ({"XDG_DATA_HOME": "{home}/data"}, "", ("{home}/data/dashlight/edge", "environment")),
        ({"DASHLIGHT_EDGE_HOME": "{home}/mine"}, "", ("{home}/mine", "environment")),
        ({"XDG_DATA_HOME": "{home}/data"}, "[edge]\nhome = '/from/file'\n", ("/from/file", "file")),
    ],
)
@pytest.mark.skipif("sys.platform != 'linux'", reason="other systems keep data elsewhere")
def test_config_show_tells_the_folder_that_is_really_used(tmp_path, capsys, monkeypatch, env, flag, expected):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    file = tmp_path / "config.toml"
    file.write_text(flag, encoding="utf-8")

    assert main(["config", "show", "--config", str(file), "--json"]) == 0

    rows = {(r["section"], r["name"]): r for r in map(json.loads, capsys.readouterr().out.splitlines())}
    shown = rows["edge", "home"]
    assert (shown["value"], shown["source"]) == (expected[0].format(home=tmp_path), expected[1])
    assert rows["server", "data"]["value"].endswith("/dashlight/server")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, Supervision()),
        ({"WATCHDOG_USEC": "30000000"}, Supervision()),
        ({"NOTIFY_SOCKET": "/run/s"}, Supervision("/run/s")),
        ({"NOTIFY_SOCKET": "@s", "WATCHDOG_USEC": "30000000"}, Supervision("@s", 30.0)),
        ({"NOTIFY_SOCKET": "@s", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, Supervision("@s", 30.0)),
        ({"NOTIFY_SOCKET": "@s", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, Supervision("@s")),
        ({"NOTIFY_SOCKET": "@s", "WATCHDOG_USEC": "soon"}, Supervision("@s")),
        ({"NOTIFY_SOCKET": "@s", "WATCHDOG_USEC": "9" * 5_000}, Supervision("@s")),
        ({"NOTIFY_SOCKET": "relative"}, Supervision()),
        ({"NOTIFY_SOCKET": "@"}, Supervision()),
    ],
)
def test_only_the_supervisor_of_this_process_is_told(env, expected):
    assert supervision(env, pid=7) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("proxy", "socks5://me:hunter2@127.0.0.1:9050"),
        ("database_url", "postgresql://me:hun/ter2@host/db"),
        ("database_url", "postgresql://me:hun@ter2@host/db"),
        ("database_url", "postgresql://me:hun?ter2#@host/db"),
        ("database_url", "postgresql://a/b:hunter2@host/db"),
        ("database_url", "postgresql://me@host/db?sslmode=require&password=hunter2"),
        ("database_url", "host=db user=me password=hunter2"),
        ("database_url", "me:hunter2@host/db"),
        ("objects_url", "s3://bucket/prefix?endpoint=https://me:hunter2@host&region=x"),
        ("objects_url", "s3://bucket/prefix?secret_access_key=hunter2"),
        ("objects_secret", "hunter2"),
        ("presigned_endpoint", "https://me:hunter2@host"),
    ],
)
def test_no_password_is_shown_however_it_is_written(name, value):
    shown = masked(name, value)

    assert "***" in shown
    assert not any(part in shown for part in ("hun", "ter2"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql://me@host:5432/db?sslmode=require"),
        ("objects_url", "s3://bucket/prefix?endpoint=http://127.0.0.1:8333&region=x"),
        ("public_url", "https://pictures.example.org"),
        ("proxy", "socks5://127.0.0.1:9050"),
        ("contact", "maps@example.org"),
    ],
)
def test_what_holds_no_password_is_shown_as_it_is(name, value):
    assert masked(name, value) == value


def test_a_database_that_is_no_address_is_refused_without_its_password(tmp_path):
    with pytest.raises(UsageError, match="database_url") as caught:
        loaded(tmp_path, env={"DASHLIGHT_SERVER_DATABASE_URL": "host=db password=hunter2"})

    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("missing", ["objects_url", "objects_key_id", "objects_secret"])
def test_addresses_of_a_bucket_need_the_bucket_and_its_key(tmp_path, missing):
    given = {"objects_url": "s3://bucket", "objects_key_id": "id", "objects_secret": "hunter2", "presigned_s": 30}
    assert loaded(tmp_path, flags=given).settings.presigned_s == 30

    with pytest.raises(UsageError, match=f"presigned_s 30 needs server.{missing}"):
        loaded(tmp_path, flags={**given, missing: None})


def test_addresses_and_networks_of_proxies_are_taken(tmp_path):
    found = loaded(tmp_path, env={"DASHLIGHT_SERVER_TRUSTED_PROXY": "127.0.0.1, ::1,172.30.57.0/24"})

    assert found.settings.trusted_proxy == "127.0.0.1, ::1,172.30.57.0/24"
