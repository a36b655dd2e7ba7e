"""The budgets file: what each operation may cost, for which Python, and how a count is judged against it.

`make costs` (this module run as a script) counts and writes the file anew.
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.costs import count

FILE = Path(__file__).with_name("budgets.toml")
TOLERANCE = 0.05
"""More than this over budget fails; as far under it asks for a lower one. Repeated counts differ by 0.1 % on an idle machine and on
one with both cores busy, those of `open` (random keys) by 0.6 %."""
HEAD = """\
# What one operation may cost (benchmarks/micro names them): `make costs` writes this file, tests/costs/test_costs.py holds it.
# steps: bytecode instructions. calls: of functions in C. instructions: the machine's, C code included, counted by callgrind.
"""
UNIT = {"steps": "steps", "calls": "calls into C", "instructions": "instructions"}


def load() -> dict[str, Any]:
    """The file's content."""
    return tomllib.loads(FILE.read_text())


def written(costs: count.Costs, version: str, build: str) -> str:
    """The file's text."""
    lines = [
        HEAD,
        f'version = "{version}"  # steps and calls hold for this one',
        f'build = "{build}"  # instructions do',
    ]
    for kind, of in costs.items():
        lines += ["", f"[{kind}]", *(f"{name} = {cost:_}" for name, cost in of.items())]
    return "\n".join(lines) + "\n"


def over(costs: dict[str, int], budgets: dict[str, int], kind: str) -> list[str]:
    """A sentence for each operation that costs too much, or that has no budget."""
    return [
        _told(name, cost, budgets.get(name, 0), kind)
        for name, cost in costs.items()
        if cost > budgets.get(name, 0) * (1 + TOLERANCE)
    ]


def under(costs: dict[str, int], budgets: dict[str, int], kind: str) -> list[str]:
    """A sentence for each operation whose budget could be lower."""
    return [
        _told(name, cost, budgets[name], kind)
        for name, cost in costs.items()
        if name in budgets and cost < budgets[name] * (1 - TOLERANCE)
    ]


def _told(name: str, cost: int, budget: int, kind: str) -> str:
    if not budget:
        return f"{name}: {cost:,} {UNIT[kind]}, no budget (make costs)"
    return f"{name}: {cost:,} {UNIT[kind]}, budget {budget:,} ({(cost - budget) / budget:+.0%})"


def main() -> int:
    """Counts, says what has changed, and writes the file."""
    before = load() if FILE.exists() else {}
    costs = count.counted("steps")
    build = count.build()
    if missing := count.no_instructions():
        print(f"instructions are not counted: {missing}; their budgets stay as they are", file=sys.stderr)
        costs["instructions"], build = before.get("instructions", {}), before.get("build", build)
    else:
        costs |= count.counted("instructions")
    for kind, of in costs.items():
        old = before.get(kind, {})
        print(f"{kind}:")
        for name, cost in of.items():
            print(f"  {_told(name, cost, old.get(name, 0), kind)}")
    FILE.write_text(written(costs, count.version(), build))
    return 0


if __name__ == "__main__":
    sys.exit(main())
