"""How people of the demo speak: a line for the occasion, filled in, at a moment when the floor is free.

It keeps the chat readable however many bots there are; what is said is in `phrases`, when in `chatter` and `host`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from liveserver.client import Room
from liveserver.kernel.clock import Clock
from liveserver.kernel.money import decimals

GAP_MS = 1_100
"""Least time between two messages of the crowd: faster than that nobody reads along."""
FRESH_AFTER = 25
"""So many other lines lie between two times that the crowd says the same."""
OWN_GAP_MS = 7_000
"""Nobody of the crowd talks all the time."""

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹"}


def said(amount: int, currency: str) -> str:
    """An amount as people type it: `$85`, `$12.50`, `85 SEK`."""
    digits = decimals(currency)
    whole, rest = divmod(amount, 10**digits)
    number = f"{whole:,}" + (f".{rest:0{digits}}" if rest else "")
    sign = _SIGNS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency}"


def short(title: str) -> str:
    """What people call a thing whose title is `title`: what stands before the first comma or bracket, a few words of it."""
    name = title.split(",", maxsplit=1)[0].split("(", maxsplit=1)[0].strip()
    words = name.split(" ")
    return " ".join(words[:4])


def blanks(lot: Mapping[str, Any] | None, name: str = "") -> dict[str, str]:
    """What a line about this lot may need."""
    if lot is None:
        return {"thing": "that", "price": "that", "next": "that", "name": name or "friend"}
    currency = lot["currency"]
    price = lot["price"] if lot["price"] is not None else lot["start"]
    return {
        "thing": short(lot["title"]),
        "price": said(price, currency),
        "next": said(lot["min_next"], currency),
        "name": name or lot["leader"] or "somebody",
    }


class Floor:
    """Whose turn it is: shared by all bots of a show."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_ms = 0
        self._count = 0
        self._said: dict[str, int] = {}
        """When each line was last said, in lines; as many as there are in `phrases`."""

    def take(self) -> bool:
        """Whether somebody may speak now; if so, it is taken for a moment."""
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._free_ms:
            return False
        self._free_ms = now_ms + GAP_MS
        return True

    def pick(self, lines: Sequence[str], random: Random, *, fresh: bool = False) -> str | None:
        """One of the lines, rather one that was not said for long; with `fresh`, None when all were said just now."""
        by_age = sorted(lines, key=lambda line: self._said.get(line, -FRESH_AFTER))
        line = random.choice(by_age[: (len(by_age) + 1) // 2])
        if fresh and self._count - self._said.get(line, -FRESH_AFTER) < FRESH_AFTER:
            return None
        self._count += 1
        self._said[line] = self._count
        return line


class Voice:
    """One person's way into the chat."""

    def __init__(self, room: Room, floor: Floor, clock: Clock, random: Random) -> None:
        self._room = room
        self._floor = floor
        self._clock = clock
        self._random = random
        self._quiet_until_ms = 0

    async def crowd(self, lines: Sequence[str], fill: Callable[[], Mapping[str, str] | None]) -> bool:
        """Types one of the lines and sends it if the floor is free by then. Whether it was said.

        `fill` is asked when the typing is done: None says that the moment has passed.
        """
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._quiet_until_ms:
            return False
        self._quiet_until_ms = now_ms + OWN_GAP_MS
        await asyncio.sleep(self._random.uniform(0.6, 3.2))
        filled = fill()
        if filled is None or not self._floor.take():
            return False
        line = self._floor.pick(lines, self._random, fresh=True)
        if line is None:
            return False
        await self._room.chat(line.format_map(filled))
        return True

    def line(self, lines: Sequence[str], fill: Mapping[str, str]) -> str:
        """A line for the host, who always has the floor."""
        line = self._floor.pick(lines, self._random)
        assert line is not None, "there is a line for every occasion"
        self._floor.take()
        return line.format_map(fill)
