"""Runs one fault of `chaos/faults` in its short form, as a test."""

import pytest

from chaos.drill import Outcome, drill
from chaos.faults import FAULTS


async def holds(name: str) -> Outcome:
    """Brings the fault about and asserts that every bar held. Skips, with the reason, what this machine cannot do."""
    fault = next(fault for fault in FAULTS if fault.name == name)
    if reason := fault.missing():
        pytest.skip(reason)
    outcome = await drill(fault, short=True, say=print)
    assert outcome.broken == [], f"{outcome.broken}; logs and data: {outcome.folder}; seed {outcome.seed}"
    return outcome
