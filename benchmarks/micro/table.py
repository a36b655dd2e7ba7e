"""Rounds, medians and the Markdown table. What is measured stands in `decisions`, `wire` and `sockets`."""

import gc
import os
import platform
import statistics
import time
from collections.abc import Sequence

import msgspec

from benchmarks.micro.operation import Operation, Work, in_virtual_time, perform

ROUNDS = 7
EMPTY = 200_000


class Timed(msgspec.Struct, frozen=True):
    """What one operation took, in ns: the median of all rounds, and the quickest and slowest."""

    title: str
    name: str
    median_ns: float
    least_ns: float
    most_ns: float


def nothing(n: int) -> Work:
    """The baseline: a loop around a call that does nothing."""

    def work() -> None:
        for _ in range(n):
            _do_nothing()

    return work


def _do_nothing() -> None:
    """Does that."""


BASELINE = Operation("nothing", "baseline: calling a function that does nothing", nothing, EMPTY)


async def once_ns(operation: Operation) -> float:
    """One round: ns per operation. The collector is off meanwhile, as its work belongs to no single operation."""
    work = operation.prepare(operation.times)
    gc.collect()
    gc.freeze()
    gc.disable()
    began_ns = time.perf_counter_ns()
    await perform(work)
    took_ns = time.perf_counter_ns() - began_ns
    gc.enable()
    gc.unfreeze()
    return took_ns / operation.times


def timed(operations: Sequence[Operation], rounds: int = ROUNDS) -> list[Timed]:
    """Every operation in every round, the baseline among them: a slow moment of the machine hits all alike."""
    measured: dict[str, list[float]] = {each.name: [] for each in operations}
    for _ in range(rounds):
        for each in operations:
            measured[each.name].append(in_virtual_time(lambda each=each: once_ns(each)))
    return [row(each.name, each.title, measured[each.name]) for each in operations]


def row(name: str, title: str, rounds_ns: Sequence[float]) -> Timed:
    """The figures of one operation's rounds."""
    return Timed(title, name, statistics.median(rounds_ns), min(rounds_ns), max(rounds_ns))


def told(rows: Sequence[Timed]) -> str:
    """The table."""
    lines = ["| operation | median | least | most | `--only` |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {each.title} | {_pretty(each.median_ns)} | {_pretty(each.least_ns)} | {_pretty(each.most_ns)} | {each.name} |"
        for each in rows
    ]
    return "\n".join(lines)


def _pretty(ns: float) -> str:
    if ns < 1_000:
        return f"{ns:.0f} ns"
    return f"{ns / 1_000:,.2f} µs" if ns < 100_000 else f"{ns / 1_000:,.0f} µs"


def machine(rounds: int) -> str:
    """One line about where this ran, and how."""
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians of {rounds} rounds, "
        "operations in turn; collector off, time virtual"
    )
