"""Whether viewers who stop reading hurt those who read: 1,000 of them among 5,000 readers, and the same without them.

What they do not read fills memory in two places, the server's and the kernel's; both are shown.
"""

from benchmarks.bench import Options, chat, publisher, run, viewers
from benchmarks.load.flood import Plan
from benchmarks.peers.liveserver import LiveRunning
from benchmarks.processes import kernel_tcp_bytes, rss_bytes
from benchmarks.results import Point
from benchmarks.scenarios.house import on_liveserver

READERS = 5_000
DEAF = 1_000
RATE = 500.0
MEASURE_MS = 30_000.0
"""Long enough for a deaf viewer's unsent bytes to fill the kernel's buffer (2.5 MiB over loopback) and pass the server's bound (1 MiB)."""


def run_all(options: Options) -> list[Point]:
    """The readers' latency in both cases; the server's memory over time in `series`, the kernel's highest in `more`."""
    points: list[Point] = []
    for deaf in (0, DEAF):
        case = f"{READERS:,} x {RATE:,.0f}/s, {deaf:,} deaf"

        def measure(
            running: LiveRunning, port: int, number: int, deaf: int = deaf, case: str = case
        ) -> Point:
            speech = running.speech
            groups = [viewers(speech, READERS), publisher(speech)]
            if deaf:
                groups.append(viewers(speech, deaf, "deaf", deaf=True))
            plan = Plan(port=port, groups=groups, streams=[chat(speech, RATE)], measure_ms=MEASURE_MS)
            kernel: list[int] = []

            def memory() -> float:
                kernel.append(kernel_tcp_bytes())
                return float(rss_bytes(running.pids))

            outcome, sampler = run(plan, running, series=memory)
            cut = outcome.group("deaf").lost if deaf else 0
            return sampler.point(
                outcome,
                outcome.group("viewers"),
                scenario="slow",
                peer="liveserver",
                case=case,
                round=number,
                connections=READERS + deaf,
                rate=RATE,
                more={
                    "deaf_cut": cut,
                    "readers_lost": outcome.group("viewers").lost,
                    "kernel_peak_bytes": max(kernel, default=0),
                    "rss_peak_bytes": max((value for _, value in sampler.values), default=0.0),
                },
                series={"rss_bytes": sampler.values},
            )

        points += on_liveserver(options, "slow", case, READERS + DEAF, measure)
    return points
