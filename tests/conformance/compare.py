"""Plays Autobahn's cases against our WebSocket side and against `websockets`, in one run, and shows where they differ.

`make conformance` prints the table; tests/conformance/test_conformance.py asks that ours is nowhere worse. Compression (12, 13) is
not played: neither side negotiates it, and the fuzzer insists on that.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import uvloop

from tests.conformance.echoes import our_echo, websockets_echo
from tests.conformance.fuzzer import Result, run
from tests.conformance.suite import PERFORMANCE, WANTED, cases

AT_ONCE = 24
"""Cases under way at the same time: most of one's time is waiting for something that must not come."""
BINARY = ("1.2.", "9.2.", "9.4.", "9.6.", "9.8.")
"""Cases that send binary messages; they ask for the subprotocol that has such frames."""
RANK = {
    "OK": 0,
    "INFORMATIONAL": 0,
    "NON-STRICT": 1,
    "WRONG CODE": 2,
    "UNCLEAN": 2,
    "FAILED BY CLIENT": 2,
    "FAILED": 3,
}
"""How bad a verdict is."""


@dataclass
class Compared:
    """One case on both servers."""

    number: str
    ours: Result
    theirs: Result

    @property
    def worse(self) -> bool:
        """Whether ours does worse than `websockets`."""
        return (
            RANK[self.ours.behavior] > RANK[self.theirs.behavior]
            or RANK[self.ours.close] > RANK[self.theirs.close]
        )

    @property
    def notable(self) -> bool:
        """Whether a reader wants to see it: not plainly passed on both."""
        return self.ours != self.theirs or self.ours.behavior not in ("OK", "INFORMATIONAL")


async def play(number: str, case: type[Any], ours: int, theirs: int) -> Compared:
    """One case, on one server after the other."""
    subprotocol = "live.v1.msgpack" if number.startswith(BINARY) else ""
    first = await run(case, ours, "/ws", subprotocol)
    return Compared(number, first, await run(case, theirs, "/"))


async def compare(chosen: Mapping[str, type[Any]], *, at_once: int = AT_ONCE) -> list[Compared]:
    """All chosen cases; the order is theirs."""
    turns = asyncio.Semaphore(at_once)

    async def in_turn(act: Callable[[], Awaitable[Compared]]) -> Compared:
        async with turns:
            return await act()

    async with our_echo() as ours, websockets_echo() as theirs, asyncio.TaskGroup() as group:
        playing = [
            group.create_task(in_turn(lambda number=number, case=case: play(number, case, ours, theirs)))
            for number, case in chosen.items()
        ]
    return [each.result() for each in playing]


def told(compared: list[Compared]) -> str:
    """The counts, and a line for each case that was not simply passed on both sides, as Markdown."""

    def counts(results: list[Result]) -> str:
        return ", ".join(
            f"{name} {n}" for name, n in sorted(Counter(each.behavior for each in results).items())
        )

    lines = [
        f"{len(compared)} cases. Ours: {counts([each.ours for each in compared])}. "
        f"websockets: {counts([each.theirs for each in compared])}.",
        "",
        "| case | ours | its end | websockets | its end | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.number} | {each.ours.behavior} | {each.ours.close} | {each.theirs.behavior} | {each.theirs.close} | "
        f"{'**worse**: ' + each.ours.words if each.worse else ''} |"
        for each in compared if each.notable
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    """Prints the table; 1 if ours is worse somewhere."""
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose number begins so: 7.1")
    parser.add_argument("--quick", action="store_true", help="without 9.*, the cases of size and speed")
    asked = parser.parse_args()
    began_s = time.monotonic()
    chosen = {n: each for n, each in cases(WANTED).items() if n.startswith(asked.only)}
    compared = uvloop.run(compare(chosen))
    if not asked.quick:
        large = {n: each for n, each in cases((PERFORMANCE,)).items() if n.startswith(asked.only)}
        # A few at a time: they have time limits of their own.
        compared += uvloop.run(compare(large, at_once=2))
    print(told(compared))
    print(f"\n{time.monotonic() - began_s:.0f} s")
    return int(any(each.worse for each in compared))


if __name__ == "__main__":
    sys.exit(main())
