"""How often somebody may try: a token bucket per key in PostgreSQL, so that all processes count together and a restart forgets nothing.

One row and one statement per attempt (the bucket as a time, "generic cell rate algorithm"): cheap beside the password
hash that follows. It does not know what is tried; keys and rates are the caller's.
"""

import hashlib
import ipaddress

import msgspec

from liveserver.accounts.store import Database, Q

KEYS_MAX = 200_000
"""Keys kept (some 30 MB). Beyond it those nearest to being free are forgotten: they have the least left to say."""
FORGET_AT_ONCE_MAX = 10_000
"""Rows a single statement drops, so that none runs long."""
IPV6_NETWORK_BITS = 64
"""What one customer is given at least (RFC 6177): counting single addresses would count nothing."""


class Rate(msgspec.Struct, frozen=True):
    """`number` attempts in `period_ms`, all at once if need be; 0 or less: no limit."""

    number: float
    period_ms: int

    @property
    def cost_us(self) -> int:
        """The time one attempt uses up."""
        return max(1, int(self.period_ms * 1000 / self.number))

    @property
    def room_us(self) -> int:
        """The time that may be in use: at least one attempt, also with a rate under one a period."""
        return max(self.period_ms * 1000, self.cost_us)


def address_key(purpose: str, ip: str) -> str:
    """The key of a client address; IPv6 by network. What is no address (a unix socket's "") shares one key."""
    try:
        address = ipaddress.ip_address(ip.split("%", maxsplit=1)[0])
    except ValueError:
        return f"{purpose}:unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is None:
            return f"{purpose}:{ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False).network_address}"
        address = mapped
    return f"{purpose}:{address}"


def secret_key(purpose: str, text: str) -> str:
    """The key of something that need not be readable in this table, such as an e-mail address nobody here has."""
    return f"{purpose}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:40]}"


async def take(db: Database, key: str, rate: Rate, now_ms: int) -> int:
    """Counts an attempt. 0: go on; else how long to wait, in ms, and nothing was counted."""
    if rate.number <= 0:
        return 0
    now_us = now_ms * 1000
    if await db.fetchval(Q.take_attempt, key, now_us, rate.cost_us, rate.room_us) is not None:
        return 0
    full_us: int = await db.fetchval(Q.when_full, key) or now_us
    return max(1, (full_us + rate.cost_us - rate.room_us - now_us + 999) // 1000)


async def give_back(db: Database, key: str, rate: Rate) -> None:
    """Uncounts an attempt that turned out to be rightful."""
    if rate.number > 0:
        await db.execute(Q.give_back_attempt, key, rate.cost_us)


async def forget(db: Database, now_ms: int, keys_max: int = KEYS_MAX) -> int:
    """Drops what no longer matters, and what exceeds `keys_max`; returns how many keys. Called now and then."""
    old = await db.fetch(Q.forget_attempts, now_ms * 1000, FORGET_AT_ONCE_MAX)
    surplus = await db.fetch(Q.forget_surplus_attempts, keys_max, FORGET_AT_ONCE_MAX)
    return len(old) + len(surplus)
