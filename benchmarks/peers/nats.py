"""NATS with its WebSocket listener: a broker in Go that gathers what waits for a connection into one write, as liveserver does.

Chosen: core NATS without JetStream, one subject, no authentication; clients speak NATS' own protocol in binary frames, which is
what its browser client does. Defaults but for pings, which the load generator does not answer. One core: Go sees the one it is
pinned to. The client that publishes is one of the viewers, as its server echoes. A process of its own, not the system's service.
"""

import msgspec

from benchmarks.peers.messages import CHAT, CHAT_BYTES
from benchmarks.peers.model import Frame, Setting, Speech
from benchmarks.peers.process import Server, first_line, lacking, launch

CONFIGURATION = """\
listen: "127.0.0.1:-1"
ping_interval: "1h"
max_connections: {connections}
websocket {{
    listen: "127.0.0.1:{port}"
    no_tls: true
    compression: false
}}
"""
CONNECTIONS_MIN = 1_000

SPEECH = Speech(
    hello=(
        Frame(
            'CONNECT {"verbose":false,"pedantic":false,"echo":true}\r\nSUB show 1\r\nPING\r\n', binary=True
        ),
    ),
    ready="PONG",
    say=Frame(f"PUB show {CHAT_BYTES}\r\n{CHAT}\r\n", binary=True),
)


class Nats(msgspec.Struct, frozen=True):
    """NATS as a `Peer`."""

    name: str = "nats"
    title: str = "NATS WebSocket (Go)"
    work: str = "fanout"

    def missing(self) -> str:
        return lacking(("nats-server",), "Debian: apt-get install nats-server")

    def version(self) -> str:
        said = first_line("nats-server", "--version")
        return f"nats-server {said.rpartition(' ')[2].removeprefix('v')}" if said else ""

    def start(self, setting: Setting, core: int) -> Server:
        """See `Peer.start`."""
        setting.folder.mkdir(parents=True, exist_ok=True)
        configuration = setting.folder / "nats.conf"
        connections = max(CONNECTIONS_MIN, 2 * setting.connections)
        configuration.write_text(CONFIGURATION.format(port=setting.port, connections=connections))
        return launch(["nats-server", "--config", str(configuration)], setting, core, SPEECH)


PEER = Nats()
