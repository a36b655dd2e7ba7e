"""The peers written in Python: which server module runs, what its clients say, and which packages it stands on.

The servers themselves, and why they are written as they are, stand in `servers/`; nothing of theirs is imported here.
"""

import importlib.metadata
import sys
from collections.abc import Sequence

import msgspec

from benchmarks.peers.messages import BID, CHAT, SOCKET_IO
from benchmarks.peers.model import Environment, Frame, Setting, Speech
from benchmarks.peers.process import Server, lacking, launch

FANOUT = Speech(say=Frame(CHAT), publish_path="/publish")
BIDS = Speech(say=Frame(BID))


class PythonPeer(msgspec.Struct, frozen=True):
    """A server of `benchmarks.peers.servers` as a `Peer`."""

    name: str
    title: str
    work: str
    server: str
    """Its module in `servers/`."""
    packages: Sequence[str]
    """What it stands on, as installed; the versions that the report names."""
    speech: Speech
    arguments: Sequence[str] = ()
    needs: str = ""
    """The engine without which it can't start: "database_url" or "redis_url" of the setting."""

    def missing(self) -> str:
        for package in self.packages:
            if _version(package) is None:
                return f"{package} is not installed (make .venv/.bench)"
        return lacking((), "")

    def version(self) -> str:
        python = sys.version.split()[0]
        return ", ".join([f"{p} {v}" for p in self.packages if (v := _version(p))] + [f"Python {python}"])

    def start(self, setting: Setting, core: int) -> Server:
        """See `Peer.start`. Raises RuntimeError also when the setting lacks the engine it needs."""
        if self.needs and not getattr(setting, self.needs):
            raise RuntimeError(f"{self.name} needs `{self.needs}` in its setting")
        # Addresses hold passwords, which a command line would show to everybody.
        engines: Environment = {"DATABASE_URL": setting.database_url, "REDIS_URL": setting.redis_url}
        argv = [
            sys.executable,
            "-m",
            f"benchmarks.peers.servers.{self.server}",
            str(setting.port),
            *self.arguments,
        ]
        return launch(argv, setting, core, self.speech, environment=engines)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


FASTAPI = ("fastapi", "uvicorn", "websockets", "uvloop")

PEERS = (
    PythonPeer(
        name="websockets",
        title="websockets, `broadcast()`",
        work="fanout",
        server="websockets_broadcast",
        packages=("websockets", "uvloop"),
        speech=FANOUT,
    ),
    PythonPeer(
        name="fastapi",
        title="FastAPI + uvicorn, `send_text` in a loop",
        work="fanout",
        server="fastapi_fanout",
        packages=FASTAPI,
        speech=FANOUT,
    ),
    PythonPeer(
        name="fastapi-gather",
        title="FastAPI + uvicorn, `send_text` gathered",
        work="fanout",
        server="fastapi_fanout",
        packages=FASTAPI,
        speech=FANOUT,
        arguments=("gather",),
    ),
    PythonPeer(
        name="aiohttp",
        title="aiohttp, `send_str` in a loop",
        work="fanout",
        server="aiohttp_fanout",
        packages=("aiohttp", "uvloop"),
        speech=FANOUT,
    ),
    PythonPeer(
        name="python-socketio",
        title="python-socketio + uvicorn, `emit`",
        work="fanout",
        server="socketio_fanout",
        packages=("python-socketio", "python-engineio", "uvicorn", "websockets", "uvloop"),
        speech=SOCKET_IO,
    ),
    PythonPeer(
        name="picows",
        title="picows (Cython), `send` in a loop",
        work="fanout",
        server="picows_fanout",
        packages=("picows", "aiofastnet", "uvloop"),
        speech=FANOUT,
    ),
    PythonPeer(
        name="postgres",
        title="FastAPI + PostgreSQL, `SELECT ... FOR UPDATE`",
        work="bids",
        server="bids_postgres",
        packages=(*FASTAPI, "asyncpg"),
        speech=BIDS,
        needs="database_url",
    ),
    PythonPeer(
        name="redis-watch",
        title="FastAPI + Redis, WATCH/MULTI/EXEC",
        work="bids",
        server="bids_watch",
        packages=(*FASTAPI, "redis"),
        speech=BIDS,
        needs="redis_url",
    ),
    PythonPeer(
        name="redis-lua",
        title="FastAPI + Redis, one Lua call a bid",
        work="bids",
        server="bids_lua",
        packages=(*FASTAPI, "redis"),
        speech=BIDS,
        needs="redis_url",
    ),
)
