"""A test that hangs is ended at its limit and said to have, on the loop that our tests run on, and the next one runs."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOOP = """
import uvloop

def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}
"""
TESTS = """
import asyncio
import pytest

async def nothing_comes():
    await asyncio.Event().wait()

async def test_hangs():
    await nothing_comes()

@pytest.fixture
async def bad_guest():
    yield
    await nothing_comes()

async def test_has_a_fixture_that_hangs(bad_guest):
    pass

async def test_is_quick():
    await asyncio.sleep(0)
"""


def test_a_test_and_a_fixture_that_hang_are_ended_and_named(tmp_path: Path):
    (tmp_path / "conftest.py").write_text(LOOP)
    (tmp_path / "test_hanging.py").write_text(TESTS)
    words = (
        *("-p", "tests.support.limits", "-p", "no:valkey", "-p", "no:locust", "-p", "no:cacheprovider", "-p", "no:xdist"),
        *("--rootdir", str(tmp_path), "-o", "asyncio_mode=auto", "--timeout", "0.3", str(tmp_path / "test_hanging.py")),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert re.search(r"1 failed, 2 passed, 1 error", done.stdout), done.stdout
    assert "Event loop stopped before Future completed" in done.stdout
    assert "await nothing_comes()" in done.stdout, "where it hung"
