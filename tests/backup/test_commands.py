"""`backup`, `restore` and `engines move` as an operator calls them: beside a running server, and back to one that goes on."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import asyncpg

from liveserver.client import BidPlaced, LiveClient, LotOpened, Room
from liveserver.infra.engines import Engines, embedded
from liveserver.kernel.errors import Rejected
from tests.backup.calls import liveserver
from tests.support.server import JWT, Person, Server, children_of, person

HOST, ANA, BEN = person("Hana", "host"), person("Ana"), person("Ben")


async def open_lot(server: Server) -> tuple[str, str]:
    """A live show with a lot that stays open for long."""
    show = await server.new_show(HOST)
    async with LiveClient(server.socket_url, HOST.token) as client:
        room = await client.join(show)
        assert not isinstance(await room.start_show(), Rejected)
        lot = await room.open_lot(
            title="Leica M3", start=100, increments="flat:100", clock={"duration_ms": 600_000}
        )
        assert isinstance(lot, LotOpened), lot
        return show, lot.lot


async def bids(server: Server, who: Person, show: str, lot: str, amount: int) -> Room:
    async with LiveClient(server.socket_url, who.token) as client:
        room = await client.join(show)
        placed = await room.bid(lot, amount, confirm=True)
        assert isinstance(placed, BidPlaced), placed
        assert await room.until(lambda: room.view["auction"]["lots"][lot]["leader"] == who.name, 10_000)
        return room


async def test_a_running_server_is_saved_proven_and_comes_back_elsewhere(
    new_data_dir: Callable[[], Path], tmp_path: Path
) -> None:
    there, target = new_data_dir(), tmp_path / "monday.liveserver"
    async with Server(there, JWT) as server:
        show, lot = await open_lot(server)
        await bids(server, ANA, show, lot, 1_200)
        code, said = await liveserver(
            "backup", str(target), "--prove", LIVESERVER_DATA_DIR=str(there), LIVESERVER_JWT_SECRET="x" * 40
        )
    assert code == 0, said
    assert "✓ proven" in said
    assert "LIVESERVER_JWT_SECRET" in said, "it says which secrets it does not hold"
    assert b"x" * 40 not in target.read_bytes()
    assert re.search(rf"live: {show} up to \d+ of epoch \d+\n", said), "and nothing of it is lacking"

    code, said = await liveserver("restore", str(target), LIVESERVER_DATA_DIR=str(there))
    assert code == 1
    assert "is not empty" in said

    elsewhere = new_data_dir()
    code, said = await liveserver("restore", str(target), LIVESERVER_DATA_DIR=str(elsewhere))
    assert (code, "✓ proven" in said) == (0, True), said
    async with Server(elsewhere, JWT) as server:
        room = await bids(server, BEN, show, lot, 2_000)
        assert room.view["auction"]["lots"][lot]["price"] == 1_300, "Ana's bid is still there to be beaten"


async def test_what_a_killed_server_alone_knew_is_saved_too(
    new_data_dir: Callable[[], Path], tmp_path: Path
) -> None:
    there, target = new_data_dir(), tmp_path / "killed.liveserver"
    async with Server(there, JWT) as server:
        show, lot = await open_lot(server)
        (recorder,) = children_of(server.pid, "liveserver.cli.recorder")
        os.kill(recorder, signal.SIGSTOP)
        await bids(server, ANA, show, lot, 1_200)
        await server.kill()
        os.kill(recorder, signal.SIGKILL)
    code, said = await liveserver(
        "backup", str(target), "--data-dir", str(there), "--prove", "--format", "json"
    )
    assert (code, "commands that are left in the logs of 1 shows" in said) == (0, True), said
    saved = json.loads(said[said.index("{\n") :])
    assert [(live["show"], live["unrecorded"]) for live in saved["live"]] == [(show, 0)], said
    assert saved["proof"]["ok"], said
    async with embedded(there) as engines:
        connection = await asyncpg.connect(engines.database_url)
        assert (
            await connection.fetchval(
                "SELECT count(*) FROM facts WHERE show = $1 AND kind = 'bid_accepted'", show
            )
            == 1
        )
        await connection.close()


async def test_from_own_engines_to_external_ones(
    new_data_dir: Callable[[], Path], own_engines: Engines
) -> None:
    there = new_data_dir()
    async with Server(there, JWT) as server:
        show, lot = await open_lot(server)
        await bids(server, ANA, show, lot, 1_200)
        code, said = await move(own_engines, there)
        assert (code, f"The server is running (pid {server.pid})" in said) == (1, True), said

    code, said = await move(own_engines, there, "--dry-run")
    assert (code, "this was a dry run" in said, "lots" in said) == (0, True, True), said
    code, said = await move(own_engines, there)
    assert (code, "✓ proven" in said) == (0, True), said
    external = {
        "LIVESERVER_DATABASE_URL": own_engines.database_url,
        "LIVESERVER_REDIS_URL": own_engines.redis_url,
        **JWT,
    }
    async with Server(new_data_dir(), external) as server:
        room = await bids(server, BEN, show, lot, 2_000)
        assert room.view["auction"]["lots"][lot]["price"] == 1_300

    code, said = await move(own_engines, there)
    assert (code, "is not empty" in said, "holds logs of a liveserver already" in said) == (1, True, True), (
        said
    )
    code, said = await move(own_engines, there, "--dry-run", "--format", "json")
    plan = json.loads(said[said.index("{\n") :])
    assert (code, len(plan["problems"]), plan["proof"]) == (1, 2, None), said
    assert {"log_entries", "lots"} <= {table["table"] for table in plan["tables"]}
    async with embedded(there) as engines:  # the way back: the old ones are as they were
        connection = await asyncpg.connect(engines.database_url)
        assert await connection.fetchval("SELECT price FROM lots WHERE id = $1", lot) == 100
        await connection.close()


async def move(to: Engines, data_dir: Path, *more: str) -> tuple[int, str]:
    return await liveserver(
        "engines", "move", "--to-database-url", to.database_url, "--to-redis-url", to.redis_url, *more,
        LIVESERVER_DATA_DIR=str(data_dir),
    )  # fmt: skip
