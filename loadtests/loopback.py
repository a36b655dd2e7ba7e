"""Which servers may be put under load: those of this machine, by rule. It asks no name server and opens nothing.

A load test aimed at the wrong address is an attack. So there is no switch for it, and the check comes before any packet.
"""

import ipaddress
from urllib.parse import urlsplit

import msgspec


class NotThisMachine(Exception):
    """The address is not one of this machine's own, or not one we understand."""


class Target(msgspec.Struct, frozen=True):
    """Where the load goes. `address` is a number, never a name: what was checked is what is dialled."""

    address: str
    port: int

    @property
    def origin(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"

    @property
    def socket_url(self) -> str:
        return self.origin.replace("http", "ws", 1) + "/ws"


def target(url: str | None) -> Target:
    """The server at `url`. Raises NotThisMachine for every address but a loopback one.

    >>> target("http://127.0.0.1:8080").socket_url
    'ws://127.0.0.1:8080/ws'
    >>> target("https://live.example.com")
    Traceback (most recent call last):
        ...
    loadtests.loopback.NotThisMachine: Load goes to this machine only (127.0.0.1, ::1, localhost), not to live.example.com.
    """
    if not url:
        raise NotThisMachine("Name the server: --host http://127.0.0.1:8080")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotThisMachine(f"{url!r} is no address: {error}.") from error
    # RFC 6761, 6.3: localhost is the loopback address, whatever a resolver says; so none is asked.
    address = "127.0.0.1" if host == "localhost" else host
    try:
        ours = ipaddress.ip_address(address).is_loopback
    except ValueError:
        ours = False
    if not ours:
        raise NotThisMachine(
            f"Load goes to this machine only (127.0.0.1, ::1, localhost), not to {host or url}."
        )
    if parts.scheme not in {"http", "ws"}:
        raise NotThisMachine(
            f"Load goes straight to the server, without TLS: http://{address}:{port or 8080}"
        )
    return Target(address, port or 80)
