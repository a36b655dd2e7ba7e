"""`python -m benchmarks SCENARIO`: measures, and writes the report where asked to.

What is measured and how is in `scenarios`; this module only reads the command line and hands points on.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from benchmarks import report, results, shop_page
from benchmarks.bench import Options, keep_off_the_server_core, say
from benchmarks.load.build import NoCompiler
from benchmarks.peers.model import Peer
from benchmarks.peers.registry import all_peers
from benchmarks.scale import page
from benchmarks.scenarios import bids, fanout, idle, joining, mixed, nodes, recording, shop, slow

SCENARIOS: dict[str, Callable[[Options], list[results.Point]]] = {
    "fanout": fanout.run_targets,
    "curve": fanout.run_curve,
    "bids": bids.run_all,
    "mixed": mixed.run_all,
    "idle": idle.run_all,
    "join": joining.run_join,
    "storm": joining.run_storm,
    "slow": slow.run_all,
    "recording": recording.run_all,
    "shop": shop.run_all,
    "nodes": nodes.run_all,
}
"""In the order in which `all` runs them."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument(
    "names", metavar="SCENARIO...", nargs=-1, required=True, type=click.Choice([*SCENARIOS, "all", "report"])
)
@click.option("--only", default="", metavar="NAME,...", help="Only these servers.")
@click.option(
    "--rounds", type=click.IntRange(1, 20), help="How often each is measured; the report shows medians."
)
@click.option("--quick", is_flag=True, help="One round, shorter, liveserver and the raw-send limit only.")
@click.option("--write", is_flag=True, help="Keep the results in docs/benchmarks and write the report anew.")
def main(names: Sequence[str], only: str, rounds: int | None, quick: bool, write: bool) -> None:
    """Measures this server beside others on this machine; see benchmarks/README.md.

    SCENARIO: fanout, curve, bids, mixed, idle, join, storm, slow, recording, shop, nodes, or all; report only writes the report anew.
    """
    options = Options(rounds or (1 if quick else 3), quick, frozenset(filter(None, only.split(","))))
    chosen = list(SCENARIOS) if "all" in names else [name for name in SCENARIOS if name in names]
    peers = [*all_peers("fanout"), *all_peers("bids")]
    unknown = options.only - {peer.name for peer in peers}
    if unknown:
        known = ", ".join(dict.fromkeys(peer.name for peer in peers))
        raise click.BadParameter(f"no such server: {', '.join(sorted(unknown))}; there are {known}")
    began = time.monotonic()
    try:
        if chosen:
            keep_off_the_server_core()
        for name in chosen:
            say(f"{name}:")
            points = SCENARIOS[name](options)
            if write:
                _keep(points, peers, options, results.OF_THEIR_OWN.get(name, results.FILE))
    except (RuntimeError, NoCompiler) as error:
        raise click.ClickException(str(error)) from error
    if chosen:
        say(f"measured in {(time.monotonic() - began) / 60:.0f} min")
    if write or "report" in names:
        try:
            if set(names) - set(results.OF_THEIR_OWN):
                say(f"report: {report.write(results.load())}")
            if "shop" in chosen:
                say(f"shop: {shop_page.write(results.load(results.SHOP_FILE))}")
            if "nodes" in chosen:
                say(f"scale: {page.write(results.load_with_nodes(), page.WISHES)}")
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        except FileNotFoundError as error:
            raise click.ClickException("nothing was measured yet: run with --write first") from error
        except ImportError as error:
            raise click.ClickException(
                f"plots need matplotlib, which make .venv/.bench installs ({error})"
            ) from error


def _keep(points: list[results.Point], peers: Sequence[Peer], options: Options, file: Path) -> None:
    """Saves one scenario's points at once, so that a later one's failure loses nothing."""
    ran = [peer for peer in peers if any(point.peer == peer.name for point in points)]
    newer = results.Results(
        machine=results.machine(),
        date=results.today(),
        quick=options.quick,
        versions={peer.name: peer.version() for peer in ran},
        titles={peer.name: peer.title for peer in peers},
        missing={peer.name: why for peer in peers if (why := peer.missing())},
        points=points,
    )
    try:
        newer = results.merged(results.load(file), newer)
    except FileNotFoundError:
        pass
    results.save(newer, file)


if __name__ == "__main__":
    sys.exit(main())
