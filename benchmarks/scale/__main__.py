"""`python -m benchmarks.scale`: prints what was measured with several nodes and what a crowd needs; `--write` puts it into the docs."""

import sys

import click
import msgspec

from benchmarks import results
from benchmarks.medians import medians
from benchmarks.scale.costs import fitted
from benchmarks.scale.page import WISHES, measured_text, plan_text, write
from benchmarks.scale.plan import Wish


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--viewers", type=click.IntRange(1), default=1_000_000)
@click.option("--bids", type=float, default=5_000.0, help="Bids a second on one lot.")
@click.option("--frames", type=float, default=10.0, help="Frames a second to each viewer.")
@click.option("--events", type=float, default=30.0, help="Events a second in them.")
@click.option(
    "--use",
    type=click.FloatRange(0.05, 1),
    default=0.5,
    help="Share of a core, and of a network, that is planned.",
)
@click.option("--connections", type=click.IntRange(1), default=20_000, help="LIVESERVER_CONNECTIONS_MAX.")
@click.option("--core-price", type=float, default=0.04, help="Of a core and hour; an example.")
@click.option("--gigabyte-price", type=float, default=0.02, help="Of a GB sent; an example.")
@click.option(
    "--write",
    "write_it",
    is_flag=True,
    help="Write docs/operating/scale.md: 20,000, 100,000 and a million viewers.",
)
def main(
    viewers: int,
    bids: float,
    frames: float,
    events: float,
    use: float,
    connections: int,
    core_price: float,
    gigabyte_price: float,
    write_it: bool,
) -> None:
    """What more nodes bring, and what a crowd needs, from the kept measurements of `python -m benchmarks nodes --write`."""
    wish = Wish(
        viewers=viewers, bids_per_s=bids, frames_per_s=frames, events_per_s=events, use=use,
        connections_max=connections, core_hour_price=core_price, gigabyte_price=gigabyte_price,
    )  # fmt: skip
    try:
        kept = results.load_with_nodes()
        if write_it:
            click.echo(
                write(
                    kept,
                    [msgspec.structs.replace(wish, viewers=count) for count in (w.viewers for w in WISHES)],
                )
            )
            return
        points = medians(kept.points)
        costs = fitted(points)
        click.echo(f"{measured_text(points, costs)}\n\n{plan_text(costs, wish)}")
    except (ValueError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
