"""Runs the demo: everybody connects, the host bot hosts, the crowd bids and chats, until the caller cancels it.

All of it goes through the real WebSocket of the real server. What fails on one person's side (a lost connection, a refused
sign-in) ends that person's evening for a moment, not the show.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

from liveserver.client import Refused
from liveserver.demo.bidder import Bidder
from liveserver.demo.chatter import Chatter
from liveserver.demo.door import Door
from liveserver.demo.host import HostBot
from liveserver.demo.past import hold_past_show
from liveserver.demo.people import MARA, Character, cast
from liveserver.demo.seed import Seeded, Stage, live_stage
from liveserver.demo.services import DemoServices
from liveserver.demo.shelf import Shelf
from liveserver.demo.voice import Floor, Voice

ARRIVALS_MS = 350
"""Time between two people who come in: a crowd gathers, it does not appear."""
AGAIN_S = 5.0
"""How long after a failure somebody tries again."""
FAILURES_MAX = 20
"""After so many failures somebody goes home: something is wrong that trying does not mend."""
PAST_CAST = 6
"""People of the show of the past: there were some then, also if no bots are wanted now."""
ENCORE_S = 20.0
"""How long after a visitor has ended the show a new one begins."""

log = logging.getLogger(__name__)


async def run_demo(base_url: str, services: DemoServices, seeded: Seeded, seed: int, bots: int) -> None:
    """Brings the seeded shows to life at `base_url` (`http://127.0.0.1:8080`) with up to `bots` people, until cancelled."""
    people = cast(seed, bots)
    former = cast(seed, PAST_CAST)
    stage, door = seeded.live, Door(base_url, services)
    async with asyncio.TaskGroup() as group:
        # By a door of its own, or it would wait behind the whole crowd.
        past = Door(base_url, services)
        held = _persist("the show of the past", lambda: hold_past_show(past, seeded.past, former))
        group.create_task(held)
        while True:
            await _one_show(door, stage, seed, people)
            await asyncio.sleep(ENCORE_S)
            stage = await live_stage(services, stage.host)


async def _one_show(door: Door, stage: Stage, seed: int, people: tuple[Character, ...]) -> None:
    """One show from its first to its last moment. The crowd leaves when the host does."""
    troupe = _Troupe(door, stage, seed)
    crowd = asyncio.create_task(troupe.crowd(people), name="demo's crowd")
    try:
        await _persist("the host", troupe.host)
    finally:
        crowd.cancel()
        await asyncio.wait({crowd})


class _Troupe:
    """Everybody of one show."""

    def __init__(self, door: Door, stage: Stage, seed: int) -> None:
        self._door = door
        self._services = door.services
        self._stage = stage
        self._seed = seed
        self._floor = Floor(door.services.clock)
        self._ids: set[str] = {stage.host.id}
        """Of all bots: at most as many as there are."""

    async def host(self) -> None:
        """Hosts until the show is over."""
        services, stage = self._services, self._stage
        async with self._door.enter(MARA, stage.show.id) as room:
            shelf = Shelf(services, stage.host, stage.show.id, stage.stock)
            lots = room.view["auction"]["lots"]
            if lots:
                shelf.begin_after(next(reversed(lots.values()))["title"])
            random = Random(f"host|{self._seed}")
            voice = Voice(room, self._floor, services.clock, random)
            await HostBot(room, stage.host, shelf, voice, random).run()

    async def crowd(self, people: tuple[Character, ...]) -> None:
        """People come in one after the other and stay."""
        async with asyncio.TaskGroup() as group:
            for who in people:
                group.create_task(_persist(who.person.name, lambda who=who: self._guest(who)))
                await asyncio.sleep(ARRIVALS_MS / 1000)

    async def _guest(self, who: Character) -> None:
        services = self._services
        async with self._door.enter(who.person, self._stage.show.id) as room:
            account = await services.accounts.by_email(who.person.email)
            assert account is not None, "who is in the room has an account"
            self._ids.add(account.id)
            bidder = Bidder(room, who)
            chatter = Chatter(room, who, bidder, self._floor, services.clock, self._ids.__contains__)
            async with asyncio.TaskGroup() as group:
                group.create_task(bidder.run())
                group.create_task(chatter.run())


async def _persist(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Does the work until it is done, again after a failure."""
    for failure in range(FAILURES_MAX):
        try:
            await work()
            return
        except Refused as error:
            log.info("%s is not let in: %s", name, error)
        # A bug in one bot must not end the evening of all others: it is logged, with where it was.
        except Exception:
            log.exception("%s stumbled (%d)", name, failure + 1)
        await asyncio.sleep(AGAIN_S)
    log.error("%s gives up", name)
