"""The command `liveserver`: what can be asked of it, in words a newcomer understands. Each command lives in its own module.

Modules are imported when their command runs, so that `--help` and `version` answer at once.
"""

from datetime import datetime
from typing import Any

import click

from liveserver.cli.say import EXIT_CODES, friendly

_WIDTH = {"max_content_width": 100, "help_option_names": ["-h", "--help"]}


@click.group(context_settings=_WIDTH, epilog=EXIT_CODES)
@click.pass_context
def main(context: click.Context) -> None:
    """A server for live shows that sell: chat, auctions, orders.

    Try `liveserver demo` first: a show that runs itself, with people to bid against. Every setting has a name in the
    environment (LIVESERVER_PORT …), in liveserver.toml, and some as flags; `liveserver config` lists them all.
    """
    # Entered here and left when the command is done, so that every command fails in the same words.
    context.with_resource(friendly())


@main.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="Port of pages, API and WebSocket (default 8080).")
@click.option("--workers", type=int, help="Processes that share the port (default 1).")
@click.option(
    "--recorder", help="Who writes to PostgreSQL: a process of its own, or inside (default process)."
)
@click.option(
    "--unlimited", is_flag=True, default=None, help="Lift rate limits, for load tests; loopback only."
)
def serve(**flags: Any) -> None:
    """Run the server.

    Starts its own PostgreSQL and Valkey in the data directory, unless LIVESERVER_DATABASE_URL and LIVESERVER_REDIS_URL
    name existing ones. Stop it with Ctrl-C or SIGTERM; it then sends viewers elsewhere, bidders last, and stops in order,
    within LIVESERVER_STOP_GRACE_MS. A second time: at once. With --workers 2 or more, SIGHUP replaces the workers by new ones,
    one after the other, without a gap for viewers (docs/operating/upgrades.md).
    """
    from liveserver.cli.serve import run

    run(flags)


@main.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="Port of the page (default 8080).")
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Decides who the bots are and what things are worth to them.",
)
@click.option(
    "--bots",
    type=click.IntRange(0, 500),
    default=12,
    show_default=True,
    help="How many people of the show are bots.",
)
def demo(seed: int, bots: int, **flags: Any) -> None:
    """Start a show that runs itself, and print its address.

    A host bot opens lots, bidder bots bid, chatter bots chat. Open the page and outbid them, or sign in as the host (the
    address and the sign-ins are printed) and take the show over. Its data is kept apart from a real server's.
    """
    from liveserver.cli.demo import run

    run(flags, seed, bots)


@main.command()
@click.option("--nodes", type=click.IntRange(1, 32), default=3, show_default=True, help="Serving processes.")
@click.option(
    "--shards",
    type=click.IntRange(1, 16),
    default=3,
    show_default=True,
    help="Primaries of the Valkey cluster.",
)
@click.option(
    "--replicas",
    type=click.IntRange(0, 2),
    default=0,
    show_default=True,
    help="Replicas of each; a bid is acknowledged when they have it too.",
)
@click.option("--port", type=int, help="The one port of all nodes (default 8080); theirs follow it.")
@click.option("--demo", is_flag=True, help="With the demo's show and people, on data of its own.")
@click.option("--seed", type=int, default=1, show_default=True, help="As for `demo`.")
@click.option(
    "--bots",
    type=click.IntRange(0, 500),
    default=12,
    show_default=True,
    help="As for `demo`; without --demo none.",
)
def cluster(nodes: int, shards: int, replicas: int, demo: bool, seed: int, bots: int, **flags: Any) -> None:
    """Run several nodes on this machine, as a deployment has them.

    Starts PostgreSQL, a Valkey cluster, the nodes, a recorder, and a small round-robin front as their one address. For trying
    out: kill a node (kill -9) and see what viewers notice. SIGHUP replaces the nodes one after the other; Ctrl-C stops all in order.
    """
    from liveserver.cli.cluster import Shape, run

    run(flags, Shape(nodes, shards, replicas, demo, seed, bots))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--increments", default="ebay-us", show_default=True, help="Increments table the lots are opened with."
)
@click.option("--currency", default="USD", show_default=True, help="Currency of the amounts in the file.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "table"]),
    default="json",
    show_default=True,
    help="How to print.",
)
def replay(file: str, increments: str, currency: str, form: str) -> None:
    """Run the bids of a CSV file through the real auction.


    The clock is virtual. The file has the columns auctionid, bid, bidtime, bidder, openbid: decimal amounts, days since the auction's start; of two bids at one instant the higher counts as the earlier. One
    result per auction is printed, as a line of JSON: what the lot went for, to whom, and what was refused why.
    """
    from liveserver.cli.replay import run

    run(file, increments, currency, form)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check what the server needs, and how to mend what is wrong."""
    from liveserver.cli.doctor import run

    run(as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print settings as JSON.")
@click.option("--docs", is_flag=True, help="Also print what each setting means, and its bounds.")
def config(as_json: bool, docs: bool) -> None:
    """Print every setting, its value and where it came from. Secrets are never printed."""
    from liveserver.cli.config import run

    run(as_json=as_json, docs=docs)


@main.command()
@click.argument("email")
@click.argument("role", type=click.Choice(["viewer", "host", "admin"]))
def role(email: str, role: str) -> None:
    """Make a registered person a host, an admin, or a viewer again.

    A new server has no host: register on its page, then `liveserver role you@example.com host`. Works beside a running
    server. With LIVESERVER_HOSTS_MAY_REGISTER people choose to be hosts themselves.
    """
    from liveserver.cli.role import run

    run(email, role)  # pyright: ignore[reportArgumentType] - click has checked the choice


_POSTGRES_BIN = click.option(
    "--postgres-bin",
    type=click.Path(exists=True, file_okay=False),
    help="Folder with pg_dump and pg_restore, for servers newer than PostgreSQL 18.",
)
_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--data-dir", type=click.Path(file_okay=False), help="The server's folder, if not as in the settings."
)
@click.option("--prove", is_flag=True, help="Then restore it into a scratch database and compare everything.")
@click.option(
    "--wait-s",
    type=click.FloatRange(0, 3_600),
    default=30.0,
    show_default=True,
    help="How long acknowledged bids may take to reach the record.",
)
@click.option("--with-secrets", is_flag=True, help="Also save secrets and addresses with passwords.")
@_POSTGRES_BIN
@_FORMAT
def backup(file: str, **options: Any) -> None:
    """Save the record, media and settings in one file, also of a running server.

    Secrets are left out and named; Redis is not needed to come back. The exit code is 1 when the proof finds a difference.
    """
    from liveserver.cli.backup import run

    run(file, **options)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--into-url", help="An empty database: postgresql://… (else LIVESERVER_DATABASE_URL).")
@click.option("--data-dir", type=click.Path(file_okay=False), help="A new folder (else LIVESERVER_DATA_DIR).")
@click.option(
    "--prove", is_flag=True, help="Into a scratch database that is thrown away: only says whether it is good."
)
@_POSTGRES_BIN
@_FORMAT
def restore(file: str, **options: Any) -> None:
    """Bring a backup back into an empty database or a new data directory, and prove that it is all there.

    What holds anything is never touched. The exit code is 1 when what came back is not what was saved.
    """
    from liveserver.cli.restore import run

    run(file, **options)


@main.group()
def engines() -> None:
    """Where the server's PostgreSQL and Redis are."""


@engines.command()
@click.option("--to-database-url", required=True, help="An empty database: postgresql://…")
@click.option("--to-redis-url", required=True, help="A Redis or Valkey without our keys: redis://…")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be copied.")
@_POSTGRES_BIN
@_FORMAT
def move(to_database_url: str, to_redis_url: str, **options: Any) -> None:
    """Move from the server's own engines to external ones.

    Stop the server first. The record is copied and compared; the old data directory is left as it is. Prints the settings to
    start with.
    """
    from liveserver.cli.move import run

    run(to_database_url, to_redis_url, **options)


@main.command()
@click.option(
    "--post",
    is_flag=True,
    help="Also drop and tighten what only older releases needed; refused while one lives.",
)
@click.option(
    "--dry-run",
    "--check",
    "check",
    is_flag=True,
    help="List what is pending, by stage; exit code 1 if anything is.",
)
def migrate(post: bool, check: bool) -> None:
    """Bring the database to this release's tables. `serve` does the same when it starts, without --post."""
    from liveserver.cli.migrate import run

    run(post=post, check=check)


@main.command()
@click.argument("show")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def verify(show: str, as_json: bool) -> None:
    """Recompute a show from its log; compare it with the record.

    Checks the chain of entries, that every fact follows from the log again, the chains of its lots, and the snapshots.
    The first difference is told, and the exit code is 1 then.
    """
    from liveserver.cli.verify import run

    run(show, as_json)


@main.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="From when on, UTC; else since the last comparison in which nothing differed.",
)
@_FORMAT
def reconcile(since: datetime | None, form: str) -> None:
    """Compare the payment provider's books with ours.

    As the server does every night: charges, fees, refunds, disputes, transfers, payouts, and what must always be so in our own
    books. Nothing is mended; the exit code is 1 when anything differs (docs/operating/ledger.md says what to do).
    """
    from liveserver.cli.reconcile import run

    run(since, form)


@main.command()
def version() -> None:
    """Print the version."""
    from liveserver import __version__

    click.echo(__version__)
