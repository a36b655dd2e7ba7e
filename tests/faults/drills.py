"""Runs one fault of `chaos/faults` in its short form, as a test."""

import pytest

from chaos.drill import Outcome, drill
from chaos.faults import FAULTS
from tests.support import folders


async def holds(name: str) -> Outcome:
    """Brings the fault about and asserts that every bar held; logs and data of one that did not are there until the next run of tests.

    Skips, with the reason, what this machine cannot do.
    """
    fault = next(fault for fault in FAULTS if fault.name == name)
    if reason := fault.missing():
        pytest.skip(reason)
    outcome = await drill(fault, short=True, folder=folders.new(), say=print)
    assert outcome.broken == [], f"{outcome.broken}; logs and data: {outcome.folder}; seed {outcome.seed}"
    return outcome
