"""Writes liveserver/infra/schema.sql: what all migrations together make, for reading; servers only run migrations.

It never touches a configured database: the migrations are applied to a throw-away embedded one.
"""

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

from liveserver.infra.engines import embedded
from liveserver.infra.engines.binaries import POSTGRES_WHEEL, installed_postgres
from liveserver.infra.migrations import migrate

SCHEMA = Path(__file__).resolve().parents[1] / "liveserver/infra/schema.sql"
HEADER = "-- Made by `make schema` from the migrations; a test proves it equal to them. For reading: change migrations/ instead.\n"


def dumped(dsn: str) -> str:
    """The schema of a database as SQL, without what differs from one dump of the same schema to the next."""
    pg_dump = installed_postgres() / "bin" / "pg_dump"
    done = subprocess.run(
        [pg_dump, "--schema-only", "--no-owner", "--no-privileges", f"--dbname={dsn}"],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"pg_dump of {POSTGRES_WHEEL} failed: {done.stderr.decode(errors='replace')}")
    # Comments carry versions, \\restrict a random word, SET and set_config the dump's own session.
    noise = re.compile(
        r"^(?:--.*|\\(?:un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*)$\n?", re.MULTILINE
    )
    text = noise.sub("", done.stdout.decode())
    return HEADER + "\n" + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


async def write(folder: Path) -> None:
    """Make the schema in engines under `folder` and write it to its place."""
    async with embedded(folder / "data", redis_url="redis://unused") as engines:
        await migrate(engines.database_url)
        SCHEMA.write_text(dumped(engines.database_url), encoding="utf-8")


def main() -> None:
    """Runs `write` in a folder that root's engines may enter, too."""
    with tempfile.TemporaryDirectory(prefix="ls-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        asyncio.run(write(Path(name)))
    print(f"wrote {SCHEMA.name}")


if __name__ == "__main__":
    main()
