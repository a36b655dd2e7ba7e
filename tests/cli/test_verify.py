"""A recorded show is recomputed from its log: it follows, and whatever is changed in the record is found and named."""

import json

import pytest

from liveserver.auction import increments
from liveserver.auction.clock import PRESETS
from liveserver.auction.formats.english import Rules
from liveserver.auction.model import PlaceBid, Terms
from liveserver.cli.features import FEATURES
from liveserver.cli.recompute import Report, verify
from liveserver.infra.database import Pool, transaction
from liveserver.kernel.errors import Mendable
from liveserver.rooms import store
from liveserver.rooms.edge import command
from liveserver.rooms.lifecycle import Start
from liveserver.rooms.model import Actor
from liveserver.rooms.room import Applied
from liveserver.rooms.virtual import VirtualLog

SHOW = "show_1"
HOST = Actor("user_host", "Hanna", "host")
ANA, BO = Actor("user_ana", "Ana", "viewer"), Actor("user_bo", "Bo", "viewer")


@pytest.fixture
async def recorded(pool: Pool) -> Pool:
    """A show with a sold lot, recorded as the recorder does it, with a snapshot in the middle and one at the end."""
    applied: list[Applied] = []
    dumps: dict[int, bytes] = {}
    log = VirtualLog(SHOW, FEATURES, on_applied=applied.append)
    table = increments.named("live", "USD")
    assert isinstance(table, increments.Increments)
    terms = Terms("lot_1", SHOW, "Camera", "USD", Rules(1000, None, False, table), PRESETS["live"])
    log.append(command("show:start", HOST, Start()), command("lot:open", HOST, terms))
    log.append(
        command("bid:place", ANA, PlaceBid("lot_1", 1500)), command("bid:place", BO, PlaceBid("lot_1", 10))
    )
    dumps[log.room.seq] = log.room.dump()
    log.append(command("bid:place", BO, PlaceBid("lot_1", 2000)))
    log.wait_until_quiet()
    dumps[log.room.seq] = log.room.dump()
    async with transaction(pool) as connection:
        await connection.execute(store.QUERIES.create_log, SHOW)
        await store.insert(connection, SHOW, [a.entry for a in applied], store.fact_rows(applied))
        by_last = {a.entry.last: a.entry for a in applied}
        for seq, dump in dumps.items():
            await store.insert_snapshot(connection, SHOW, seq, 1, by_last[seq].hash, dump)
        end = applied[-1].entry
        await connection.execute(
            store.QUERIES.move_watermark, SHOW, 0, end.last, end.ts, end.hash, "node", 1_000, False
        )
    return pool


async def report(pool: Pool) -> Report:
    return await verify(pool, SHOW, FEATURES)


async def test_a_record_that_follows_from_its_log(recorded):
    found = await report(recorded)
    assert found.ok, found.difference
    assert (found.epochs, found.snapshots, found.lots) == (1, 2, 1)
    assert found.facts == await recorded.fetchval("SELECT count(*) FROM facts")
    assert found.commands == await recorded.fetchval("SELECT max(last) FROM log_entries")


@pytest.mark.parametrize(
    ("tampering", "says"),
    [
        (
            "UPDATE facts SET payload = jsonb_set(payload, '{price}', '1') WHERE kind = 'lot_sold'",
            "fact differs",
        ),
        ("UPDATE facts SET payload = payload - 'price' WHERE kind = 'lot_sold'", "fact differs"),
        ("UPDATE facts SET ts = ts + 1 WHERE kind = 'lot_sold'", "fact differs"),
        ("DELETE FROM facts WHERE kind = 'lot_sold'", "lacks the fact lot_sold"),
        ("DELETE FROM facts WHERE kind = 'bid_accepted'", "fact differs"),
        (
            "INSERT INTO facts SELECT show, seq, idx + 1, ts, kind, payload FROM facts WHERE kind = 'lot_sold'",
            "a fact more",
        ),
        ("UPDATE log_entries SET payload = payload || '\\x00' WHERE first = 3", "does not match its hash"),
        ("UPDATE log_entries SET ts = ts + 1 WHERE first = 3", "does not match its hash"),
        ("UPDATE log_entries SET hash = prev WHERE first = 3", "does not match its hash"),
        ("UPDATE log_entries SET prev = hash WHERE first = 3", "does not continue"),
        ("DELETE FROM log_entries WHERE first = 3", "an entry is missing"),
        (
            "DELETE FROM log_entries WHERE last = (SELECT max(last) FROM log_entries)",
            "ends before the watermark",
        ),
        ("UPDATE room_snapshots SET dump = dump || '\\x00'", "digest"),
        (
            "UPDATE room_snapshots SET dump = dump || '\\x00', digest = sha256(dump || '\\x00')",
            "not the recomputed state",
        ),
        (
            "UPDATE room_snapshots SET seq = 1 WHERE seq = (SELECT min(seq) FROM room_snapshots)",
            "inside an entry",
        ),
        ("UPDATE show_logs SET recorded_hash = 'x'", "watermark"),
    ],
)
async def test_whatever_is_changed_is_found_and_named(recorded, tampering, says):
    await recorded.execute(tampering)
    found = await report(recorded)
    assert not found.ok
    assert found.difference is not None
    assert says in found.difference.what


async def test_what_a_recorder_adds_meanwhile_is_not_looked_at(recorded):
    last = await recorded.fetchval("SELECT max(last) FROM log_entries")
    await recorded.execute(
        "INSERT INTO log_entries SELECT show, epoch, $1 + 1, $1 + 1, ts, node, 99, hash, 'x', payload "
        "FROM log_entries WHERE last = $1",
        last,
    )
    await recorded.execute("INSERT INTO facts VALUES ($1, $2, 0, 0, 'lot_sold', '{}')", SHOW, last + 1)
    assert (await report(recorded)).ok


async def test_a_show_without_a_log(pool):
    with pytest.raises(Mendable, match="No log"):
        await report(pool)


async def test_the_command_itself(ask, recorded, database_url, redis_url):
    urls = {"LIVESERVER_DATABASE_URL": database_url, "LIVESERVER_REDIS_URL": redis_url}
    code, out, _ = await ask("verify", SHOW, **urls)
    assert (code, "the record follows" in out) == (0, True)
    await recorded.execute("UPDATE facts SET payload = payload - 'price' WHERE kind = 'lot_sold'")
    code, _, err = await ask("verify", SHOW, **urls)
    assert code == 1
    assert "differs at sequence number" in err
    code, out, _ = await ask("verify", SHOW, "--json", **urls)
    assert code == 1
    assert json.loads(out)["difference"]["what"] == "a recorded fact differs"
    code, _, err = await ask("verify", "nowhere", **urls)
    assert (code, "No log" in err) == (1, True)
    assert "Traceback" not in err
