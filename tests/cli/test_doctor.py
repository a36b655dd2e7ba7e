"""Every check of the doctor, well and ill: what is wrong is found, and each finding says how to mend it."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from redis.asyncio import Redis
from websockets.asyncio.server import serve

from liveserver.cli.checks import CHECKS
from liveserver.cli.checks.model import Check, Finding, Site
from liveserver.cli.doctor import as_document, findings, lines, worst
from liveserver.infra.engines import Engines
from liveserver.infra.migrations import migrate
from liveserver.infra.ports import free_port
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable

BY_NAME = {check.name: check for check in CHECKS}
VIDEO = {
    "LIVESERVER_LIVEKIT_URL": "wss://video.example",
    "LIVESERVER_LIVEKIT_API_KEY": "APIstage",
    "LIVESERVER_LIVEKIT_API_SECRET": "a secret of tests, long enough for HS256",
}


@pytest.fixture
def site(settings_with, tmp_path: Path):
    """A site as a clean environment gives it, changed where the test says so."""

    def make(env: dict[str, str] | None = None, **different) -> Site:
        given = {"loaded": settings_with(env), "data_dir": tmp_path, "engines": None} | different
        return Site(**given)

    return make


async def found_by(name: str, site: Site) -> list[Finding]:
    return await findings(BY_NAME[name], site)


async def one(name: str, site: Site) -> Finding:
    (finding,) = await found_by(name, site)
    return finding


def test_names_are_unique_and_each_check_has_a_sentence():
    assert len(BY_NAME) == len(CHECKS)
    assert all(check.doc.endswith(".") for check in CHECKS)


@pytest.mark.parametrize(
    ("name", "env", "status", "says", "mend"),
    [
        ("settings", {}, "ok", "settings", ""),
        ("settings", {"LIVESERVER_PROT": "1"}, "fail", "not a setting", "Rename it to LIVESERVER_PORT."),
        ("settings", {"LIVESERVER_PORT": "x"}, "fail", "must be a whole number", "liveserver config --docs"),
        ("safety", {}, "ok", "nothing", ""),
        ("video", {}, "ok", "no LiveKit server is named", ""),
        ("video", VIDEO, "ok", "video comes from wss://video.example", ""),
        (
            "video",
            {"LIVESERVER_LIVEKIT_URL": "wss://v.example"},
            "fail",
            "API_KEY and LIVESERVER_LIVEKIT_API_SECRET not set",
            "Set all three",
        ),
        (
            "video",
            VIDEO | {"LIVESERVER_LIVEKIT_URL": "tcp://v.example"},
            "fail",
            "no browser can open",
            "wss://",
        ),
        (
            "video",
            VIDEO | {"LIVESERVER_LIVEKIT_URL": "ws://v.example"},
            "warn",
            "in the clear",
            "wss://v.example",
        ),
        ("video", VIDEO | {"LIVESERVER_LIVEKIT_URL": "ws://127.0.0.1:7880"}, "ok", "video comes from", ""),
        (
            "video",
            VIDEO
            | {"LIVESERVER_LIVEKIT_URL": "ws://v.example", "LIVESERVER_PUBLIC_URL": "https://a.example"},
            "fail",
            "pages come over https",
            "wss://v.example",
        ),
        (
            "video",
            VIDEO | {"LIVESERVER_LIVEKIT_API_KEY": "a key"},
            "fail",
            "no key of LiveKit's",
            "without quotes",
        ),
        (
            "video",
            VIDEO | {"LIVESERVER_LIVEKIT_API_SECRET": "short"},
            "warn",
            "could be guessed",
            "generate-keys",
        ),
        ("safety", {"LIVESERVER_HOST": "0.0.0.0"}, "warn", "in the clear", "LIVESERVER_PUBLIC_URL=https"),
        (
            "safety",
            {"LIVESERVER_PUBLIC_URL": "https://a.example"},
            "warn",
            "none is trusted",
            "LIVESERVER_TRUSTED_PROXIES",
        ),
        ("safety", {"LIVESERVER_UNLIMITED": "1"}, "warn", "lifted", "LIVESERVER_UNLIMITED"),
        ("safety", {"LIVESERVER_METRICS_TOKEN": "x"}, "warn", "metrics token", "LIVESERVER_METRICS_TOKEN"),
        (
            "safety",
            {"LIVESERVER_ORIGINS": "http://shop.example"},
            "warn",
            "unencrypted",
            "https://shop.example",
        ),
        ("python", {}, "ok", "uvloop", ""),
    ],
)
async def test_settings_and_python(site, name, env, status, says, mend):
    finding = await one(name, site(env))
    assert (finding.status, says in finding.what, mend in finding.mend) == (status, True, True), finding


@pytest.mark.parametrize(
    ("name", "machine", "status", "mend"),
    [
        ("files", {"files_max": lambda: 1_000_000}, "ok", ""),
        ("files", {"files_max": lambda: 4_096}, "warn", "LIVESERVER_CONNECTIONS_MAX=3584"),
        ("files", {"files_max": lambda: 256}, "fail", "ulimit -Hn"),
        ("disk", {"free_bytes": lambda _: 10**12}, "ok", ""),
        ("disk", {"free_bytes": lambda _: 10**9}, "warn", "LIVESERVER_DATA_DIR"),
        ("disk", {"free_bytes": lambda _: 10**6}, "fail", "LIVESERVER_DATA_DIR"),
    ],
)
async def test_files_and_disk(site, name, machine, status, mend):
    finding = await one(name, site(**machine))
    assert finding.status == status
    assert mend in finding.mend


async def test_disk_of_a_folder_that_is_not_there_yet(site, tmp_path):
    assert (await one("disk", site(data_dir=tmp_path / "a" / "b"))).status in ("ok", "warn")


async def test_a_free_port_a_taken_one_and_one_that_is_not_ours_to_take(site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # Nobody answers on it, so the check must not wait for ever either.
        taken.close()
        assert (await one("port", site({"LIVESERVER_PORT": str(port)}))).status == "ok"
    assert (await one("port", site({"LIVESERVER_PORT": "0"}))).status == "ok"
    finding = await one("port", site({"LIVESERVER_HOST": "192.0.2.1"}))
    assert finding.status == "fail"
    assert "LIVESERVER_HOST" in finding.mend


async def test_a_taken_port_is_named_with_who_has_it_and_our_own_server_is_recognised(site):
    answers = [
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"status":"not ready","draining":"yes","database":"ok"}',
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        env = {"LIVESERVER_PORT": str(server.sockets[0].getsockname()[1])}
        finding = await one("port", site(env))
        assert finding.status == "fail"
        assert "(pid " in finding.what
        assert (await one("port", site(env))).status == "ok"


class TestEngines:
    """Against real engines, ill in the ways that can be brought about."""

    async def test_well(self, site, engines: Engines, database_url: str, redis_url: str):
        here = site(engines=Engines(database_url, redis_url))
        for name in ("engines", "postgresql", "migrations", "redis", "redis-rights", "clocks"):
            assert [f.status for f in await found_by(name, here)] == ["ok"], name

    async def test_engines_that_are_not_there_are_told_once_and_nothing_else_fails(self, site):
        here = site(trouble=Mendable("The disk is full", "/var/lib", "Free some space"))
        finding = await one("engines", here)
        assert (finding.status, finding.mend) == ("fail", "Free some space")
        for name in ("postgresql", "migrations", "redis", "redis-rights", "clocks"):
            assert (await one(name, here)).status == "fail"

    async def test_a_database_nobody_answers_for(self, site, tmp_path):
        here = site(engines=Engines(f"postgresql://a:b@/c?host={tmp_path}", f"unix://{tmp_path}/no.sock"))
        for name in ("postgresql", "migrations", "redis", "redis-rights", "clocks"):
            finding = await one(name, here)
            assert finding.status == "fail", name
            assert finding.mend, name

    async def test_a_database_that_acknowledges_too_early_or_takes_too_few(
        self, site, engines: Engines, database_url: str
    ):
        careless = database_url + "&options=-c%20synchronous_commit%3Doff"
        here = site({"LIVESERVER_WORKERS": "64"}, engines=Engines(careless, engines.redis_url))
        said = [f.what for f in await found_by("postgresql", here)]
        assert any("synchronous_commit = off" in what for what in said)
        assert any("connections" in what for what in said)

    async def test_tables_of_an_older_release(self, site, engines: Engines, empty_database_url: str):
        here = site(engines=Engines(empty_database_url, engines.redis_url))
        finding = await one("migrations", here)
        assert finding.status == "warn"
        assert "liveserver migrate" in finding.mend
        await migrate(empty_database_url)
        assert (await one("migrations", here)).status == "ok"

    async def test_a_redis_that_evicts(self, site, own_engines: Engines):
        assert own_engines.redis_admin_url is not None
        admin = Redis.from_url(own_engines.redis_admin_url)
        await admin.config_set("maxmemory-policy", "allkeys-lru")
        await admin.aclose()
        finding = await one("redis", site(engines=own_engines))
        assert finding.status == "fail"
        assert "noeviction" in finding.mend

    async def test_a_redis_user_with_too_many_rights_and_one_with_too_few(self, site, own_engines: Engines):
        assert own_engines.redis_admin_url is not None
        powerful = Engines(own_engines.database_url, own_engines.redis_admin_url)
        assert (await one("redis-rights", site(engines=powerful))).status == "warn"
        admin = Redis.from_url(own_engines.redis_admin_url)
        await admin.execute_command("ACL", "SETUSER", "liveserver", "-function")
        await admin.aclose()
        assert (await one("redis-rights", site(engines=own_engines))).status == "fail"

    @pytest.mark.parametrize(("off_ms", "status"), [(600, "warn"), (-600, "warn"), (5_000, "fail")])
    async def test_clocks_that_disagree(
        self, site, engines: Engines, database_url: str, redis_url: str, off_ms, status
    ):
        class Off(SystemClock):
            def now_ms(self) -> int:
                return super().now_ms() + off_ms

        here = site(engines=Engines(database_url, redis_url), clock=Off())
        finding = await one("clocks", here)
        assert finding.status == status
        assert "this machine" in finding.what


class TestWebSocket:
    """Against a small real WebSocket server, answering as the test wants."""

    @pytest.mark.parametrize(("kind", "status"), [("ok", "ok"), ("error", "warn")])
    async def test_the_answer_counts(self, site, kind, status):
        async def answer(connection) -> None:
            asked = json.loads(await connection.recv())
            assert asked["type"] == "hello"
            assert connection.request.headers["Origin"].startswith("http://127.0.0.1:")
            await connection.send(json.dumps({"type": kind, "id": asked["id"], "payload": {}}))

        async with serve(answer, "127.0.0.1", 0, subprotocols=["live.v1.json"]) as server:
            port = server.sockets[0].getsockname()[1]
            here = site({"LIVESERVER_PUBLIC_URL": f"http://127.0.0.1:{port}"})
            assert (await one("websocket", here)).status == status

    async def test_a_proxy_that_does_not_pass_upgrades(self, site):
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            finding = await one("websocket", site({"LIVESERVER_PUBLIC_URL": f"http://127.0.0.1:{port}"}))
        assert finding.status == "fail"
        assert "Upgrade" in finding.mend

    async def test_nobody_there(self, site):
        port = free_port()
        finding = await one("websocket", site({"LIVESERVER_PUBLIC_URL": f"http://127.0.0.1:{port}"}))
        assert finding.status == "fail"
        assert "LIVESERVER_PUBLIC_URL" in finding.mend
        assert (await one("websocket", site({"LIVESERVER_PORT": str(port)}))).status == "ok"


async def test_a_check_that_hangs_is_a_finding(site, monkeypatch):
    monkeypatch.setattr("liveserver.cli.doctor.CHECK_MAX_MS", 10)

    async def hang(_: Site) -> Finding:
        await asyncio.Event().wait()
        raise AssertionError("it is cancelled")

    (finding,) = await findings(Check("hang", "It hangs.", hang), site())
    assert finding.status == "fail"


def test_the_report_says_everything_to_people_and_to_programs():
    ill = Finding("fail", "the port is taken", "use another")
    report = [(BY_NAME["python"], [Finding("ok", "fine")]), (BY_NAME["port"], [ill])]
    assert worst(report) == "fail"
    text = "\n".join(lines(report))
    assert "→ use another" in text
    assert "1 problem" in text
    document = as_document(report)
    assert document["status"] == "fail"
    assert document["checks"][1]["findings"] == [
        {"status": "fail", "what": "the port is taken", "mend": "use another"}
    ]


async def test_the_command_itself(ask, new_data_dir):
    code, out, _ = await ask("doctor", "--json", LIVESERVER_DATA_DIR=str(new_data_dir()), LIVESERVER_PORT="0")
    assert code == 0, out
    assert {check["name"] for check in json.loads(out)["checks"]} == set(BY_NAME)
    code, out, _ = await ask("doctor", LIVESERVER_DATA_DIR=str(new_data_dir()), LIVESERVER_PROT="1")
    assert code == 1
    assert "Rename it to LIVESERVER_PORT" in out
