"""`backup`, `restore` and `engines move` as an operator calls them: beside a running server, and back to one that goes on."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg

from liveserver.client import BidPlaced, LiveClient, LotOpened, Room
from liveserver.infra.engines import Engines, embedded
from liveserver.kernel.errors import Rejected
from tests.support.server import JWT, Person, Server, person

HOST, ANA, BEN = person("Hana", "host"), person("Ana"), person("Ben")


async def liveserver(*words: str, **environment: str) -> tuple[int, str]:
    """A command run to its end; exit code, and what it said on both outputs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIVESERVER_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "liveserver.cli",
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**kept, **environment},
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


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

    code, said = await liveserver("restore", str(target), LIVESERVER_DATA_DIR=str(there))
    assert code == 1
    assert "is not empty" in said

    elsewhere = new_data_dir()
    code, said = await liveserver("restore", str(target), LIVESERVER_DATA_DIR=str(elsewhere))
    assert (code, "✓ proven" in said) == (0, True), said
    async with Server(elsewhere, JWT) as server:
        room = await bids(server, BEN, show, lot, 2_000)
        assert room.view["auction"]["lots"][lot]["price"] == 1_300, "Ana's bid is still there to be beaten"


async def test_from_own_engines_to_external_ones(
    new_data_dir: Callable[[], Path], own_engines: Engines
) -> None:
    there = new_data_dir()
    async with Server(there, JWT) as server:
        show, lot = await open_lot(server)
        await bids(server, ANA, show, lot, 1_200)
        code, said = await move(own_engines, there)
        assert (code, "The server is running" in said) == (1, True), said

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
    assert (code, "is not empty" in said or "holds keys" in said) == (1, True), said
    async with embedded(there) as engines:  # the way back: the old ones are as they were
        connection = await asyncpg.connect(engines.database_url)
        assert await connection.fetchval("SELECT price FROM lots WHERE id = $1", lot) == 100
        await connection.close()


async def move(to: Engines, data_dir: Path, *more: str) -> tuple[int, str]:
    return await liveserver(
        "engines", "move", "--to-database-url", to.database_url, "--to-redis-url", to.redis_url, *more,
        LIVESERVER_DATA_DIR=str(data_dir),
    )  # fmt: skip
