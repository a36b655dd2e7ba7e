"""Valkey as the show log needs it: every acknowledged write on disk, nothing evicted, on a private socket.

It loads no functions and knows no keys; `liveserver/rooms` does.
"""

import hashlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from liveserver.infra.engines.binaries import valkey_server
from liveserver.infra.engines.folders import Folders
from liveserver.infra.engines.launcher import Recipe

APP_USER = "liveserver"
ADMIN_USER = "admin"
SOCKET = "valkey.sock"
MEMORY_MAX_BYTES = 4 * 1024**3
MEMORY_SHARE = 2
"""Valkey may take one half of the machine's memory, at most 4 GiB; beyond it writes are refused, never old ones evicted."""
SUBSCRIBER_BACKLOG = "pubsub 32mb 8mb 60"
"""A node that does not read its batches is cut off at 32 MB, or at 8 MB for 60 s; it then catches up from the stream."""

# A hole in the server must not become code in Valkey (CVE-2025-49844 was in Lua): of scripting, only the functions
# that are loaded under versioned names; they can be added but not dropped.
_SCRIPTING = "-@scripting +fcall +fcall_ro +function|load +function|list"
# Nothing that stops, rewires, empties or watches the server; what nodes and the doctor read is given back.
_ADMINISTRATION = (
    "-@dangerous -@admin +info +config|get +role "
    "+cluster|slots +cluster|shards +cluster|nodes +cluster|info +cluster|myid +cluster|keyslot +cluster|countkeysinslot"
)
APP_RULES = f"~* &* +@all {_SCRIPTING} {_ADMINISTRATION} -swapdb -move"
"""What the server itself may do. The test in tests/infra lists commands one by one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of several Valkeys of a cluster lives: its name (folder and log), its port, and the cluster's patience."""

    name: str
    port: int
    node_timeout_ms: int


def url(folders: Folders, user: str = APP_USER) -> str:
    """The address as redis-py takes it."""
    return f"unix://{user}:{folders.secret(secret_name(user))}@{quote(str(folders.run / SOCKET))}?db=0"


def recipe(folders: Folders, member: Place | None = None) -> Recipe:
    """How to run it, alone on a socket or as a cluster's member on a port of 127.0.0.1.

    Writes its configuration anew, so that a new release's settings take effect.
    """
    name = "valkey" if member is None else member.name
    home = folders.own(folders.data / name)
    configuration, users = home / "valkey.conf", home / "users.acl"
    _write(folders, users, _users(folders))
    _write(folders, configuration, _configuration(folders, home, users, member))
    app_url = (
        url(folders)
        if member is None
        else f"redis://{APP_USER}:{folders.secret(secret_name(APP_USER))}@127.0.0.1:{member.port}/0"
    )

    async def ready(_pid: int) -> bool:
        client = Redis.from_url(app_url, socket_timeout=5, socket_connect_timeout=5)
        try:
            return bool(await client.ping())
        except (BusyLoadingError, RedisConnectionError, RedisTimeoutError):
            return False
        finally:
            await client.aclose()

    return Recipe(
        name="Valkey" if member is None else member.name.capitalize(),
        argv=[str(valkey_server(folders)), str(configuration)],
        folder=home,
        log=folders.logs / f"{name}.log",
        identity=folders.identity,
        ready=ready,
        stop_signals=(signal.SIGTERM,),
        # Not SIGKILL: an append cut in the middle would (rightly) be refused at the next start.
        orphan_signal=signal.SIGTERM,
    )


def secret_name(user: str) -> str:
    """Under which name a user's password is kept in the data directory's secrets."""
    return f"valkey-{user}"


def _users(folders: Folders) -> str:
    def line(user: str, rules: str) -> str:
        return f"user {user} on #{hashlib.sha256(folders.secret(secret_name(user)).encode()).hexdigest()} {rules}\n"

    # The admin is for the operator's hands (and for tests): its password lies beside, readable by the server's user only.
    return (
        "user default off nopass resetchannels -@all\n"
        + line(APP_USER, APP_RULES)
        + line(ADMIN_USER, "~* &* +@all")
    )


def _configuration(folders: Folders, home: Path, users: Path, member: Place | None) -> str:
    memory_bytes = min(
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEMORY_SHARE, MEMORY_MAX_BYTES
    )
    settings = {
        **(_alone(folders) if member is None else _in_cluster(folders, member)),
        "dir": _quoted(home),
        "aclfile": _quoted(users),
        "daemonize": "no",
        # An acknowledged bid is on disk (architecture: "The append").
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        # Without this a file that lost its end loads silently and a sequence number is given twice.
        "aof-load-truncated": "no",
        # The append-only file is the truth; snapshots beside it would only cost.
        "save": '""',
        "maxmemory": str(memory_bytes),
        "maxmemory-policy": "noeviction",
        "client-output-buffer-limit": SUBSCRIBER_BACKLOG,
        "maxclients": "1000",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _alone(folders: Folders) -> dict[str, str]:
    return {"port": "0", "unixsocket": _quoted(folders.run / SOCKET), "unixsocketperm": "700"}


def _in_cluster(folders: Folders, member: Place) -> dict[str, str]:
    return {
        "port": str(member.port),
        "bind": "127.0.0.1",
        "cluster-enabled": "yes",
        "cluster-node-timeout": str(member.node_timeout_ms),
        # A shard that is away must not stop the shows of the others.
        "cluster-require-full-coverage": "no",
        # Replicas sign in to their primary with the administrator's rights.
        "masteruser": ADMIN_USER,
        "masterauth": folders.secret(secret_name(ADMIN_USER)),
        # A replica that was away for a moment gets what it missed, not everything again.
        "repl-backlog-size": "64mb",
        "repl-diskless-sync-delay": "0",
        # How soon a WAITAOF that was not fulfilled comes back to ask again: within 10 ms instead of 100.
        "hz": "100",
        # All members are stopped together; nobody is left to hand anything to.
        "shutdown-timeout": "1",
        # A promoted replica has what it acknowledged; one that is far behind must not be promoted.
        "cluster-replica-validity-factor": "10",
    }


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write(folders: Folders, path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if folders.identity.switch:
        os.chown(path, folders.identity.uid, folders.identity.gid)
