"""Ending background tasks so that they really end."""

import asyncio
from typing import Any

AGAIN_S = 0.5
"""Pause before a task that swallowed its cancellation is cancelled again."""


async def end(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancels the tasks and waits until all are done; what they raised is dropped.

    A single `cancel` may get lost: on Python 3.11 `asyncio.wait_for`, on which network libraries stand, returns normally
    when its work ends in the same moment. So it is repeated.
    """
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # heard
