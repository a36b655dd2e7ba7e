"""Examples in the load tests' docstrings are true."""

import doctest
from types import ModuleType

import pytest

from loadtests import audit, loopback, lot, report


@pytest.mark.parametrize("module", [audit, loopback, lot, report], ids=lambda module: module.__name__)
def test_examples(module: ModuleType):
    result = doctest.testmod(module, extraglobs={"Rejected": report.Rejected})
    assert result.attempted > 0
    assert result.failed == 0
