"""Counts what operations cost in units that no other process can disturb: bytecode steps and C calls, or machine instructions.

Two sizes of the same work are counted and the difference is divided, so that starting, importing and preparing fall out. Steps
are counted by the interpreter itself and mean the same on every build of one Python version; machine instructions are counted by
callgrind, see C code too, and hold for one build of Python only. docs/adr/0008-costs-are-counted.md says what else was tried.

Run by hand: `python -m tests.costs.count steps` or `instructions`; prints JSON, cost of one operation by name.
"""

import asyncio
import gc
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.micro import decisions, wire
from benchmarks.micro.operation import Operation, VirtualLoop, perform

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 480
"""A count under valgrind takes half a minute on an idle machine, and was seen to take two and a half on a busy one."""
MARK = "getppid"
"""A call that nothing else makes: callgrind writes down what it has counted whenever it happens."""
COUNTED: tuple[Operation, ...] = tuple(
    each for each in (*decisions.OPERATIONS, *wire.OPERATIONS) if each.counted != (0, 0)
)
Costs = dict[str, dict[str, int]]
"""Kind ("steps", "calls", "instructions") to operation to cost of one."""


def version() -> str:
    """For which Python step budgets hold."""
    return f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"


def build() -> str:
    """For which build of Python instruction budgets hold: another compiler or its other options make other instructions."""
    made = (sys.version, sysconfig.get_config_var("CONFIG_ARGS"), sysconfig.get_config_var("PY_CFLAGS"))
    digest = hashlib.sha256(repr(made).encode()).hexdigest()[:12]
    return f"{platform.python_implementation()} {platform.python_version()} {platform.machine()} {digest}"


def no_instructions() -> str:
    """Why instructions can't be counted here; "" when they can."""
    if platform.system() != "Linux":
        return "callgrind is used on Linux only"
    return "" if shutil.which("valgrind") else "valgrind is not installed (apt-get install valgrind)"


# Here: in the process that asks


def counted(kind: str) -> Costs:
    """Costs of all operations; `kind` is "steps" (gives "calls" as well) or "instructions". Raises RuntimeError with the words of
    a count that failed."""
    if kind == "steps":
        return json.loads(_run([sys.executable, "-m", "tests.costs.count", "steps-here"]))
    with tempfile.TemporaryDirectory(prefix="costs-") as folder:
        out = Path(folder) / "out"
        measured: list[tuple[str, int]] = json.loads(
            _run([
                "valgrind", "--tool=callgrind", f"--dump-before={MARK}", f"--callgrind-out-file={out}",
                sys.executable, "-m", "tests.costs.count", "marked-here",
            ])
        )  # fmt: skip
        # Dump 1 is everything up to the first mark; from then on a measured stretch and the way to the next take turns.
        totals = [_total(out.with_name(f"out.{number}")) for number in range(2, 2 * len(measured) + 1, 2)]
    costs = [(name, size, total) for (name, size), total in zip(measured, totals, strict=True)]
    return {"instructions": _differences(costs)}


def _run(words: Sequence[str]) -> str:
    # The same small environment everywhere: hashes, locale and even its size move counts a little.
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:2])} … ended with {done.returncode}: {done.stderr[-2_000:]}")
    return done.stdout.splitlines()[-1]


def _total(dump: Path) -> int:
    found = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(), re.MULTILINE)
    assert found, f"callgrind ends each of its files with a sum: {dump.name}"
    return int(found[1])


def _differences(costs: Sequence[tuple[str, int, int]]) -> dict[str, int]:
    found: dict[str, list[tuple[int, int]]] = {}
    for name, size, total in costs:
        found.setdefault(name, []).append((size, total))
    return {
        name: round((large[1] - small[1]) / (large[0] - small[0])) for name, (small, large) in found.items()
    }


# There: in the process that is counted


class StepCounter:
    """Counts bytecode instructions and calls into C while it is on."""

    def __init__(self) -> None:
        self.steps = self.calls = 0

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self.steps += 1
        return self._trace

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            self.calls += 1

    def on(self) -> None:
        self.steps = self.calls = 0
        sys.setprofile(self._profile)
        sys.settrace(self._trace)

    def off(self) -> None:
        sys.settrace(None)
        sys.setprofile(None)


def _each(operations: Sequence[Operation], before: Any, after: Any) -> None:
    """Both sizes of every operation, prepared and warmed up outside of what is counted."""

    async def one(operation: Operation, size: int, *, count: bool) -> None:
        work = operation.prepare(size)
        gc.collect()
        gc.disable()
        if count:
            before()
        await perform(work)
        if count:
            after(operation.name, size)
        gc.enable()

    for operation in operations:
        for size, count in ((operation.counted[0], False), *((size, True) for size in operation.counted)):
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                runner.run(one(operation, size, count=count))


def steps_here(operations: Sequence[Operation] = COUNTED) -> Costs:
    """Counts in this process."""
    counter = StepCounter()
    steps: list[tuple[str, int, int]] = []
    calls: list[tuple[str, int, int]] = []

    def after(name: str, size: int) -> None:
        counter.off()
        steps.append((name, size, counter.steps))
        calls.append((name, size, counter.calls))

    _each(operations, counter.on, after)
    return {"steps": _differences(steps), "calls": _differences(calls)}


def _marked_here() -> list[tuple[str, int]]:
    measured: list[tuple[str, int]] = []

    def after(name: str, size: int) -> None:
        os.getppid()
        measured.append((name, size))

    _each(COUNTED, os.getppid, after)
    return measured


def main(words: Mapping[int, str]) -> None:
    """See the module's docstring; the words that end in -here are for itself."""
    kind = words.get(1, "")
    if kind == "steps-here":
        print(json.dumps(steps_here()))
    elif kind == "marked-here":
        print(json.dumps(_marked_here()))
    elif kind in ("steps", "instructions"):
        print(json.dumps(counted(kind), indent=2))
    else:
        sys.exit("usage: python -m tests.costs.count steps|instructions")


if __name__ == "__main__":
    main(dict(enumerate(sys.argv)))
