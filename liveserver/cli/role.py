"""`liveserver role`: makes somebody a host, an admin, or a viewer again; also beside a running server, which notices."""

import asyncio
from pathlib import Path

import click

from liveserver.accounts.model import Account, AccountRole
from liveserver.accounts.service import Accounts
from liveserver.cli.say import progress
from liveserver.config import load
from liveserver.infra.database import open_pool
from liveserver.infra.engines.attach import reachable
from liveserver.infra.migrations import migrate
from liveserver.kernel.clock import SystemClock
from liveserver.kernel.errors import Mendable


def run(email: str, role: AccountRole) -> None:
    """Sets the role and says so. Raises Mendable when nobody has this address."""
    account = asyncio.run(_set(email, role))
    click.echo(f"{account.name} ({account.email}) is {account.role} now")


async def _set(email: str, role: AccountRole) -> Account:
    settings = load().settings
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    async with reachable(
        data_dir, settings.database_url or None, settings.redis_url or None, on_progress=progress
    ) as engines:
        await migrate(engines.database_url)
        pool = await open_pool(engines.database_url)
        try:
            accounts = Accounts(pool, SystemClock(), settings)
            found = await accounts.by_email(email)
            changed = None if found is None else await accounts.set_role(found.id, role)
        finally:
            await pool.close()
    if changed is None:
        raise Mendable(
            f"Nobody has registered with {email}",
            "the accounts of this database",
            "Register on the page /register first, then run this again.",
        )
    return changed
