"""Latency against load, a line a server, as SVG that is readable on light and on dark pages.

Both axes are logarithmic; a ring marks the knee. Lines carry their names, so that no legend has to be matched by colour.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.medians import Climb
from benchmarks.results import Point
from benchmarks.scenarios.fanout import P99_MAX_MS

_INK = "#78818b"  # a middle grey, legible on white and on black
_OURS = "#0a84ff"
_COLOURS = (
    "#ff9f0a", "#30b050", "#bf5af2", "#e0483e", "#00a3a3", "#a2845e", "#d06fa0", "#7a7fe0", "#9aa700", "#c77700", "#4f9d69",
)  # fmt: skip
_SIZE_INCHES = (9.6, 5.8)
_APART = 0.045
"""Least distance of two names, as a share of the height."""
_WIDE = 0.15
"""Names nearer than this, as a share of the width, could overlap."""


def latency_plot(lines: Sequence[Climb], x_title: str, to: Path, *, times_connections: bool) -> None:
    """Writes one plot. The load is deliveries a second that were due (`times_connections`), or frames sent a second."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "liveserver", "font.size": 10}):
        figure = Figure(figsize=_SIZE_INCHES)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        ends: list[tuple[float, float, str, str]] = []

        def load(point: Point) -> float:
            return point.rate * (point.connections if times_connections else 1)

        for number, climb in enumerate(lines):
            ours = climb.peer == "liveserver"
            colour = _OURS if ours else _INK if climb.peer == "raw" else _COLOURS[number % len(_COLOURS)]
            shown = [point for point in climb.line if point.p99_ms > 0]
            if not shown:
                continue
            dashes = "--" if climb.peer == "raw" else "-"
            axes.plot(
                [load(p) for p in shown], [p.p99_ms for p in shown], dashes, color=colour, linewidth=3 if ours else 1.6,
                marker=".", markersize=5, zorder=3 if ours else 2,
            )  # fmt: skip
            if climb.knee is not None:
                axes.plot(
                    load(climb.knee),
                    climb.knee.p99_ms,
                    "o",
                    markersize=10,
                    fillstyle="none",
                    color=colour,
                    zorder=4,
                )
            ends.append(
                (
                    load(shown[-1]),
                    shown[-1].p99_ms,
                    climb.peer,
                    colour,
                )
            )
        axes.axhline(P99_MAX_MS, color=_INK, linewidth=0.8, linestyle=":")
        _name_lines(axes, ends)
        axes.set_xlabel(x_title, color=_INK)
        axes.set_ylabel("p99, ms", color=_INK)
        axes.tick_params(which="both", colors=_INK)
        axes.grid(which="major", color=_INK, alpha=0.15)
        for side, spine in axes.spines.items():
            spine.set_color(_INK)
            spine.set_visible(side in ("left", "bottom"))
        figure.tight_layout()
        to.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(to, format="svg", transparent=True, metadata={"Date": None, "Creator": None})


def _name_lines(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Names behind the lines' ends, moved up where they would stand on each other."""
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.1)  # room for the names
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.35)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width, height = math.log(right / left), math.log(top / bottom)
    placed: list[tuple[float, float]] = []
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        at_x, at_y = math.log(x / left) / width, math.log(y / bottom) / height
        while any(
            abs(at_x - other_x) < _WIDE and abs(at_y - other_y) < _APART for other_x, other_y in placed
        ):
            at_y += _APART / 4
        placed.append((at_x, at_y))
        axes.annotate(
            name, (x, y), (at_x + 0.012, at_y), textcoords="axes fraction", color=colour, va="center", fontsize=9,
            fontweight="bold" if name == "liveserver" else "normal",
        )  # fmt: skip
