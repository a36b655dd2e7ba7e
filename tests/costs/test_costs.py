"""No operation costs more than its budget: a slow-down is seen in counts, which a busy machine does not change.

What is counted stands in benchmarks/micro, how in `count`; a change that is meant to cost more runs `make costs` and says why.
"""

import warnings

import pytest

from benchmarks.micro.operation import Operation
from tests.costs import budgets, count

BUDGETS = budgets.load()


class BudgetCouldBeLower(UserWarning):
    """Something became cheaper: `make costs` keeps it so."""


def judge(costs: count.Costs) -> None:
    """Fails with a sentence for each operation over budget."""
    dear = [line for kind, of in costs.items() for line in budgets.over(of, BUDGETS[kind], kind)]
    cheap = [line for kind, of in costs.items() for line in budgets.under(of, BUDGETS[kind], kind)]
    if cheap:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(
                "make costs would lower budgets:\n" + "\n".join(cheap), BudgetCouldBeLower, stacklevel=2
            )
    assert not dear, "over budget (make costs, if it is meant):\n" + "\n".join(dear)


@pytest.mark.timeout(count.TIMEOUT_S)
def test_steps_are_within_budget():
    if count.version() != BUDGETS["version"]:
        pytest.skip(
            f"budgets are for {BUDGETS['version']}, this is {count.version()}: versions differ in bytecode"
        )
    judge(count.counted("steps"))


@pytest.mark.timeout(count.TIMEOUT_S)
def test_instructions_are_within_budget():
    if missing := count.no_instructions():
        pytest.skip(missing)
    if count.build() != BUDGETS["build"]:
        pytest.skip(
            f"budgets are for {BUDGETS['build']}, this is {count.build()}: builds differ in instructions"
        )
    judge(count.counted("instructions"))


def test_every_operation_has_budgets_and_no_other_is_there():
    names = {each.name for each in count.COUNTED}
    for kind in ("steps", "calls", "instructions"):
        assert set(BUDGETS[kind]) == names


def an_operation(name: str, work_per_time: int) -> Operation:
    """Sorts a list in C, again and again."""

    def prepare(n: int):
        def work() -> None:
            for number in range(n * work_per_time):
                sorted((number,))

        return work

    return Operation(name, name, prepare, 1, (10, 60))


def test_twice_the_work_is_twice_the_cost_and_the_count_is_the_same_each_time():
    counts = [count.steps_here([an_operation("once", 20), an_operation("twice", 40)]) for _ in range(2)]
    assert counts[0] == counts[1]
    for kind in ("steps", "calls"):
        assert counts[0][kind]["twice"] == 2 * counts[0][kind]["once"]
    assert counts[0]["calls"]["once"] == 20


def test_what_is_over_budget_is_named_and_what_is_under_is_a_hint():
    costs = {"bid": 41_200, "chat": 100, "reply": 104, "new": 5}
    allowed = {"bid": 36_000, "chat": 200, "reply": 100}
    assert budgets.over(costs, allowed, "instructions") == [
        "bid: 41,200 instructions, budget 36,000 (+14%)",
        "new: 5 instructions, no budget (make costs)",
    ]
    assert budgets.under(costs, allowed, "instructions") == ["chat: 100 instructions, budget 200 (-50%)"]


def test_what_is_written_is_what_is_read(tmp_path, monkeypatch):
    costs = {
        "steps": {"flush-1x20": 2_687},
        "calls": {"flush-1x20": 67},
        "instructions": {"flush-1x20": 248_359},
    }
    monkeypatch.setattr(budgets, "FILE", tmp_path / "budgets.toml")
    budgets.FILE.write_text(budgets.written(costs, count.version(), count.build()))
    assert budgets.load() == {"version": count.version(), "build": count.build(), **costs}
