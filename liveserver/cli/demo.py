"""`liveserver demo`: a server with data of its own and a show that runs itself, for whoever opens the printed address.

It is the real server (`compose`) with the bots of `liveserver.demo` as its clients. It never touches a real server's data.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from liveserver.cli.compose import prepare_database, running_node
from liveserver.cli.lifetime import engines_of, say_ready, until_stopped
from liveserver.cli.ports import listen
from liveserver.cli.process import prepare_process, run_in_loop, stop_signals
from liveserver.cli.say import EXIT_FAILED, fail, progress, warn
from liveserver.config import Loaded, Settings, load
from liveserver.config.settings import is_loopback
from liveserver.demo import DemoServices, Seeded, run_demo, seed
from liveserver.infra.engines import Engines, default_data_dir
from liveserver.kernel.errors import Mendable


def run(flags: Mapping[str, Any], seed_number: int, bots: int) -> None:
    """Runs the demo until stopped. Raises Problem or Mendable when it can't start."""
    loaded = load(flags)
    settings = demo_settings(loaded)
    prepare_process(settings)
    for stray in loaded.unknown:
        warn(str(stray))
    sys.exit(run_in_loop(_demo(settings, seed_number, bots)))


def demo_settings(loaded: Loaded) -> Settings:
    """The settings with a demo's own data, one process, and quiet log lines unless asked for otherwise."""
    settings = loaded.settings
    if not is_loopback(settings.host):
        # `seed` refuses as well; here it is said before engines are started.
        raise Mendable(
            "The demo's sign-ins are known to everybody, so it can't be shown to a network",
            f"--host {settings.host}",
            "Leave --host away, or use `liveserver serve` with accounts of your own.",
        )
    if settings.database_url or settings.redis_url:
        raise Mendable(
            "The demo fills its server with made-up people and known passwords, so it uses no existing database",
            "LIVESERVER_DATABASE_URL, LIVESERVER_REDIS_URL",
            "Unset them for the demo, or run `liveserver serve` with them.",
        )
    # A demo's few bids need no process of their own: one less to start before the page answers.
    changes: dict[str, Any] = {"workers": 1, "recorder": "inside"}
    # Its bots win all night and have no cards to pay with.
    changes |= {"strikes_max": 0, "unpaid_orders_max": 0}
    if not settings.data_dir:
        changes["data_dir"] = str(demo_data_dir())
    if loaded.sources["log_level"].kind == "default":
        changes["log_level"] = "warning"
    return replace(settings, **changes)


def demo_data_dir() -> Path:
    """Beside the real server's data, never in it."""
    real = default_data_dir()
    return real.with_name(f"{real.name}-demo")


async def _demo(settings: Settings, seed_number: int, bots: int) -> int:
    async with stop_signals() as stop:
        with listen(settings.host, settings.port) as listener:
            async with engines_of(settings) as engines:
                await prepare_database(engines, progress)
                async with running_node(settings, engines, listener, stop=stop) as node:
                    seeded = await seed(node.services, loopback=is_loopback(settings.host))
                    invite(node.origin, seeded, bots)
                    evening = Evening(node.origin, node.services, seeded, seed_number, bots)
                    return await show_time(evening, engines, stop)


@dataclass(frozen=True)
class Evening:
    """Which show the bots hold, and where."""

    origin: str
    services: DemoServices
    seeded: Seeded
    seed: int
    bots: int


async def show_time(evening: Evening, engines: Engines, stop: asyncio.Event) -> int:
    """The bots' show, until somebody stops it, an engine is given up, or the bots end by an error (they never just end)."""
    show = asyncio.create_task(
        run_demo(evening.origin, evening.services, evening.seeded, evening.seed, evening.bots),
        name="the demo's people",
    )
    ended = asyncio.create_task(until_stopped(engines, stop))
    try:
        await asyncio.wait({show, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return ended.result()
        fail(
            f"The bots have stopped: {show.exception() or 'nothing left to do'}",
            "the demo",
            "Start it again.",
        )
        return EXIT_FAILED
    finally:
        for task in (show, ended):
            task.cancel()
        await asyncio.gather(show, ended, return_exceptions=True)


def invite(origin: str, seeded: Seeded, bots: int) -> None:
    """What a newcomer needs: where to look, as whom to sign in, how to stop."""
    say_ready(origin)
    page = f"{origin}/shows/{seeded.live.show.id}"
    rows = [
        ("Watch and bid", page),
        ("Host the show", f"{page}/host"),
        *((f"Sign in as {who.role}", f"{who.email}  password {who.password}") for who in seeded.sign_ins),
    ]
    click.echo(f"\n  {click.style(seeded.live.show.title, bold=True)}, with {bots} bots in the room\n")
    for what, how in rows:
        click.echo(f"  {what:<18} {how}")
    click.echo("\n  Ctrl-C stops it; what happened is kept for the next time.")
    sys.stdout.flush()
