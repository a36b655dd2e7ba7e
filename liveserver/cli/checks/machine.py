"""Checks of the machine: Python, open files, disk."""

import importlib.util
import platform
import sys

from liveserver.cli.checks.model import Findings, Site, fail, ok, warn
from liveserver.infra.engines.folders import FREE_MIN_BYTES

PYTHON_MIN = (3, 11)
FILES_BESIDE_CONNECTIONS = 512
"""Files a server needs besides one per connection: engines' sockets, static files, logs, and room to spare."""
FREE_GOOD_BYTES = 2 * 1024**3
"""Below this a busy evening may fill the disk; Valkey stops when it is full."""


async def python(site: Site) -> Findings:
    """The interpreter's version, and uvloop."""
    version = platform.python_version()
    if sys.version_info[:2] < PYTHON_MIN:
        return fail(f"Python {version} is too old", "Use Python 3.11 or newer and run `make setup` again")
    if importlib.util.find_spec("uvloop") is None:
        return warn(f"Python {version} without uvloop: about half as fast", "pip install uvloop")
    return ok(f"Python {version} with uvloop")


async def files(site: Site) -> Findings:
    """The limit of open files against the limit of connections."""
    allowed, wanted = site.files_max(), site.loaded.settings.connections_max + FILES_BESIDE_CONNECTIONS
    if allowed < FILES_BESIDE_CONNECTIONS:
        return fail(f"only {allowed} files may be open", f"ulimit -Hn {wanted}")
    if allowed < wanted:
        return warn(
            f"{allowed} files may be open, {wanted} are needed for LIVESERVER_CONNECTIONS_MAX connections",
            f"ulimit -Hn {wanted} (systemd: LimitNOFILE={wanted}), or set "
            f"LIVESERVER_CONNECTIONS_MAX={allowed - FILES_BESIDE_CONNECTIONS}",
        )
    return ok(f"{allowed} files may be open")


async def disk(site: Site) -> Findings:
    """Free space in the data directory."""
    free = site.free_bytes(site.data_dir)
    said = f"{free // 1_000_000} MB free at {site.data_dir}"
    mend = "Free some space there, or choose another folder with LIVESERVER_DATA_DIR"
    if free < FREE_MIN_BYTES:
        return fail(
            f"{said}, the server does not start with less than {FREE_MIN_BYTES // 1_000_000} MB", mend
        )
    return warn(said, mend) if free < FREE_GOOD_BYTES else ok(said)
