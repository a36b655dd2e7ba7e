"""compose.yaml: it parses, names settings that exist, and its parts fit together."""

import ipaddress
import os
import re
import shutil
import subprocess

import pytest

from liveserver.cli.children import STOP_EXTRA_S
from liveserver.config import load
from liveserver.config.settings import SETTINGS
from tests.support.deployment import COMPOSE, NAME, ROOT, compose, documents

EXAMPLE = ROOT / "deploy" / "compose" / "env.example"
NODES = ("live-1", "live-2", "live-3")


def given() -> dict[str, str]:
    """env.example with every password filled in."""
    pairs = [
        line.split("=", 1)
        for line in EXAMPLE.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    ]
    return {name: value or "a1b2c3" for name, value in pairs}


def filled(text: str, values: dict[str, str]) -> str:
    """As compose fills variables in: ${NAME:?why}, ${NAME:-default}."""

    def value(found: re.Match[str]) -> str:
        name, kind, more = found.groups()
        if values.get(name):
            return values[name]
        assert kind != ":?", f"{name} is missing in env.example"
        return more

    return re.sub(r"\$\{(\w+)(:[?-])([^}]*)\}", value, text)


@pytest.mark.parametrize("hosts", ["", "172.30.77.31:6379,172.30.77.32:6379,172.30.77.33:6379"])
def test_nodes_accept_their_settings(tmp_path, hosts):
    services = compose()["services"]
    for name in (*NODES, "migrate"):
        values = given() | {"REDIS_HOSTS": hosts}
        environment = {key: filled(value, values) for key, value in services[name]["environment"].items()}
        loaded = load({}, environment, tmp_path)
        assert loaded.unknown == ()
        assert loaded.settings.redis_url.count(":6379") == (3 if hosts else 1)
    assert (
        services["live-1"]["environment"]
        == services["live-2"]["environment"]
        == services["live-3"]["environment"]
    )


def test_every_setting_exists():
    assert set(NAME.findall(COMPOSE.read_text())) - {about.env for about in SETTINGS.values()} == set()


def test_images_are_pinned_and_services_bounded():
    for name, service in compose()["services"].items():
        image = filled(service["image"], given())
        assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", image), image
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert "privileged" not in service


def test_no_password_has_a_value():
    text = COMPOSE.read_text()
    assert re.findall(r"(?i)(?:password|token|secret)\w*: +(?![\"$]?\$\{)[\w\"]+", text) == []
    for line in EXAMPLE.read_text().splitlines():
        if re.match(r"\w*(PASSWORD|TOKEN|SECRET)", line):
            assert line.endswith("=")


def test_there_is_time_to_leave(tmp_path):
    node = compose()["services"]["live-1"]
    environment = {key: filled(value, given()) for key, value in node["environment"].items()}
    grace_s = load({}, environment, tmp_path).settings.stop_grace_ms / 1000
    assert int(node["stop_grace_period"].removesuffix("s")) > grace_s + STOP_EXTRA_S


def test_addresses_are_in_the_network_and_the_balancer_is_the_trusted_one():
    document = compose()
    network = ipaddress.ip_network(document["networks"]["live"]["ipam"]["config"][0]["subnet"])
    addresses = {
        name: service["networks"]["live"]["ipv4_address"]
        for name, service in document["services"].items()
        if isinstance(service["networks"], dict)
    }
    assert len(set(addresses.values())) == len(addresses)
    assert all(ipaddress.ip_address(address) in network for address in addresses.values())
    assert (
        document["services"]["live-1"]["environment"]["LIVESERVER_TRUSTED_PROXIES"] == addresses["balancer"]
    )
    members = document["services"]["valkey-cluster"]["environment"]["MEMBERS"].split()
    assert members == [f"{addresses[f'valkey-{n}']}:6379" for n in (1, 2, 3)]


def test_prometheus_finds_the_nodes_and_their_token():
    services = compose()["services"]
    (scrape,) = documents(ROOT / "deploy" / "prometheus" / "prometheus.yml")[0]["scrape_configs"]
    (names,) = scrape["dns_sd_configs"]
    for name in NODES:
        assert services[name]["networks"]["live"]["aliases"] == names["names"]
    (secret,) = services["prometheus"]["secrets"]
    assert secret["target"] == scrape["authorization"]["credentials_file"]
    assert secret["source"] in compose()["secrets"]


def test_files_that_are_mounted_are_there():
    for name, service in compose()["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
            else:
                assert source in compose()["volumes"]


def test_waiting_for_a_service_of_another_profile_is_not_required():
    services = compose()["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if services[other].get("profiles", []) != service.get("profiles", []):
                assert "profiles" not in services[other] or how.get("required") is False, f"{name} -> {other}"


def test_compose_itself_accepts_it():
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, timeout=30).returncode
    ):
        pytest.skip("docker compose is not installed")
    for profile in ("standalone", "cluster", "observe"):
        done = subprocess.run(
            [docker, "compose", "--profile", profile, "config", "--quiet"],
            cwd=ROOT,
            env={**os.environ, **given()},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
