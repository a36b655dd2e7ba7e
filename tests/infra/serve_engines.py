"""A stand-in for the server that a test can kill: runs the engines, prints where they are as JSON, waits for a signal."""

import asyncio
import email.parser  # noqa: F401 - redis looks up its version late, when the standard library may be unreadable
import json
import os
import pwd
import signal
import sys
from pathlib import Path

from liveserver.infra.engines import EngineError, embedded


async def main() -> None:
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    try:
        async with embedded(Path(sys.argv[1])) as engines:
            where = {
                "pids": engines.pids,
                "database_url": engines.database_url,
                "redis_url": engines.redis_url,
            }
            sys.stdout.write(json.dumps(where) + "\n")
            sys.stdout.flush()
            await asked_to_stop.wait()
    except EngineError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")


def become(user: str) -> None:
    # After the imports: this Python itself may lie where that user cannot read.
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if len(sys.argv) > 2:
    become(sys.argv[2])
asyncio.run(main())
