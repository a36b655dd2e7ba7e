"""What a server under comparison tells the harness: how it is started, and how the generator speaks to it.

The generator knows no protocol. It sends the bytes described here and looks for stamps in whatever comes back: `TS=` followed by
16 hex digits, the moment (CLOCK_MONOTONIC, ns) at which the message was due. So every server can be measured alike.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

STAMP = "{ts}"
"""In a frame: 16 hex digits, when it was due. Write `TS={ts}` wherever the server will repeat it to receivers."""
NUMBER = "{n}"
"""In a frame: 1, 2, 3, … over all frames of that stream, plain decimal: for ids and rising amounts."""
TOKEN = "{token}"  # a placeholder
"""In a frame: this connection's line of the tokens file."""


class Frame(msgspec.Struct, frozen=True):
    """One message to the server. `text` may hold the placeholders above."""

    text: str
    binary: bool = False


class Speech(msgspec.Struct, frozen=True):
    """How a client of this server behaves."""

    path: str = "/"
    subprotocol: str = ""
    hello: Sequence[Frame] = ()
    """Sent by every connection, in order, once the WebSocket is open."""
    say: Frame = Frame("TS={ts}")
    """Fan-out: what the publisher sends, and every viewer then receives. Bids: what a bidder sends; the answer repeats the stamp."""
    publish_path: str = ""
    """Where the publisher connects when that is another path than the viewers'; then it sends no `hello`."""
    publish_hello: Sequence[Frame] = ()
    """What the publisher sends in place of `hello` when it has to say who it is; unlike viewers, say."""
    ready: str = ""
    """A connection has joined when these bytes have come; "": when its handshake was answered."""


class Setting(msgspec.Struct, frozen=True):
    """Where a server runs: its port, a folder of its own, and the engines that are there for it."""

    port: int
    folder: Path
    database_url: str = ""
    redis_url: str = ""
    connections: int = 0
    """How many clients will come: for servers that want their limits raised, and for making tokens."""


class Running(msgspec.Struct, frozen=True):
    """A server that answers."""

    speech: Speech
    pids: Sequence[int]
    """The processes whose CPU time and memory count as the server's. Engines (PostgreSQL, Valkey) are not among them."""
    tokens: Path | None = None


class Peer(Protocol):
    """One server under comparison. A module of this package has it as `PEER`, or several as `PEERS`."""

    name: str
    """Short, stable, for tables and `--only`: "aiohttp"."""
    title: str
    """What a reader should know it by: "aiohttp, `send_str` in a loop"."""
    work: str
    """ "fanout" or "bids"."""

    def missing(self) -> str:
        """Why it can't run here, in words for the report ("nginx with nchan is not installed"); "" when it can."""
        ...

    def version(self) -> str:
        """What is measured, with its version and that of what it stands on: "ws 8.18.0, Node 20.1.0". Starts nothing."""
        ...

    def start(self, setting: Setting, core: int) -> "Started":
        """Starts it pinned to that core. Raises RuntimeError with its last words if it does not come up in time."""
        ...


class Started(Protocol):
    """A started server, as a context manager that ends its processes (those it started itself, by pid) and waits for them."""

    def __enter__(self) -> Running: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


Environment = Mapping[str, str]
