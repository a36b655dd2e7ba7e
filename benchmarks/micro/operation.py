"""What an operation is to those who measure it, and the loop and doubles that make it repeatable.

Time stands still unless somebody waits, and sends go nowhere: what is left is our own work, the same every time.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

Work = Callable[[], Awaitable[None] | None]


class Operation(msgspec.Struct, frozen=True):
    """`prepare(n)` gets everything ready; calling what it returns does the operation `n` times."""

    name: str
    """Short, stable: in `--only` and in tests/costs/budgets.toml."""
    title: str
    prepare: Callable[[int], Work]
    times: int
    """How often in one timed round: some tens of milliseconds' worth."""
    counted: tuple[int, int] = (0, 0)
    """Two sizes whose difference is counted in tests/costs; (0, 0): not counted."""


class VirtualSelector(selectors.SelectSelector):
    """Sleeps by moving the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing ever comes from outside. Raises RuntimeError when everybody waits for just that."""
        if timeout is None:
            raise RuntimeError("nothing is due and nothing can come: this operation never ends")
        self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only when everybody waits."""

    def __init__(self) -> None:
        self._virtual = VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


def in_virtual_time(main: Callable[[], Awaitable[Any]]) -> Any:
    """Runs a coroutine function on a virtual loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())  # pyright: ignore[reportArgumentType]  # a coroutine, as Runner wants it


async def perform(work: Work) -> None:
    """Does prepared work, whichever kind it is."""
    waiting = work()
    if waiting is not None:
        await waiting
