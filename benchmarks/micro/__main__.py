"""`python -m benchmarks.micro`: the table of operations, flushes over real sockets, and a bid's whole path."""

import argparse
import sys

import uvloop

from benchmarks.micro import decisions, path, sockets, table, wire

SOCKETS, PATH = "sockets", "path"


def main() -> int:
    """Prints what was asked for; 2 if nothing has such a name."""
    operations = [table.BASELINE, *decisions.OPERATIONS, *wire.OPERATIONS]
    names = [each.name for each in operations] + [SOCKETS, PATH]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="NAME,...", help="names, or how they begin: " + ", ".join(names)
    )
    parser.add_argument("--rounds", type=int, default=table.ROUNDS)
    asked = parser.parse_args()
    wanted = tuple(name for name in asked.only.split(",") if name)
    if wanted and not any(name.startswith(wanted) for name in names):
        print(f"nothing is called {asked.only}; there are: {', '.join(names)}", file=sys.stderr)
        return 2

    def chosen(name: str) -> bool:
        return not wanted or name.startswith(wanted)

    picked = [each for each in operations if chosen(each.name)]
    if picked:
        baseline = [] if table.BASELINE in picked else [table.BASELINE]
        print(
            f"{table.machine(asked.rounds)}\n\n{table.told(table.timed([*baseline, *picked], asked.rounds))}\n"
        )
    if chosen(SOCKETS):
        print(f"{uvloop.run(sockets.flushes(asked.rounds))}\n")
    if chosen(PATH):
        print(uvloop.run(path.whole_path()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
