"""Who a request comes from and which address it was sent to, also behind a proxy.

`X-Forwarded-For` and `X-Forwarded-Proto` are believed only from the proxies that the operator names (ASVS 4.1.3): everybody
else could write anything there.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
"""What a Host header may look like before it gets into addresses and policies of a page."""
HOPS_MAX = 16
"""Entries of X-Forwarded-For that are looked at, from the end: no real chain of proxies is longer."""


class Proxies:
    """The proxies whose word counts."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(
            ipaddress.ip_network(text, strict=False) for text in trusted
        )

    def trusts(self, address: str) -> bool:
        """Whether this peer is one of them."""
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the last one in the chain that is not a trusted proxy; the peer if it is no trusted one.

        A forged start of the header is never reached, because the trusted proxy appended the address it saw itself.
        """
        if not forwarded_for or not self.trusts(peer):
            return peer
        client = peer
        for hop in reversed(forwarded_for.split(",")[-HOPS_MAX:]):
            parsed = _address(hop.strip())
            if parsed is None:
                return client
            client = str(parsed)
            if not self.trusts(client):
                return client
        return client


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    # "::ffff:10.0.0.1" is how a dual-stack socket writes 10.0.0.1.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def peer_of(request: web.Request) -> str:
    """The address at the other end of the connection, or "" (a Unix socket)."""
    peer: Any = request.transport.get_extra_info("peername") if request.transport is not None else None
    return peer[0] if isinstance(peer, tuple) and isinstance(peer[0], str) else ""


def client_of(request: web.Request, proxies: Proxies) -> str:
    """The client's address."""
    return proxies.client(peer_of(request), ",".join(request.headers.getall("X-Forwarded-For", [])))


def is_direct_loopback(request: web.Request) -> bool:
    """Whether somebody on this machine asks, and not a proxy on it for somebody else."""
    parsed = _address(peer_of(request))
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"))
    return parsed is not None and parsed.is_loopback and not forwarded


def origin_of(request: web.Request, proxies: Proxies, public_url: str) -> str:
    """The web origin under which the browser reached us.

    The public address if there is one; otherwise what the Host header says, which another site can't set in a browser.
    """
    if public_url:
        parts = urlsplit(public_url)
        return f"{parts.scheme}://{parts.netloc}"
    scheme = request.scheme
    if proxies.trusts(peer_of(request)) and request.headers.get("X-Forwarded-Proto") in {"http", "https"}:
        scheme = request.headers["X-Forwarded-Proto"]
    host = request.host if _HOST.fullmatch(request.host) else "invalid"
    return f"{scheme}://{host}"
