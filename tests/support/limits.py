"""Ends an asynchronous test that outlasts its limit. pytest-timeout alone does not: what its signal raises, uvloop logs, and waits on.

It sets no limits; those stand in pyproject.toml and at the tests.
"""

import asyncio
import signal
import sys
from collections.abc import Generator
from types import FrameType
from typing import Any

import pytest

CLEANING_MAX_S = 30.0
"""What fixtures have for their end after a test was stopped, before they are stopped as well."""


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, Any, Any]:
    """Has the limit's signal stop the loop, too: waiting for the test then ends with `RuntimeError`."""
    done = yield
    raises = signal.getsignal(signal.SIGALRM)
    if callable(raises):

        def stop(signal_number: int, frame: FrameType | None) -> None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                loop = None
            if loop is not None:
                signal.setitimer(signal.ITIMER_REAL, CLEANING_MAX_S)
                sys.stderr.write(f"{item.nodeid} took longer than {settings.timeout} s; its tasks:\n")
                for task in asyncio.all_tasks(loop):
                    task.print_stack(file=sys.stderr)
                loop.stop()
            raises(signal_number, frame)

        signal.signal(signal.SIGALRM, stop)
    return done
