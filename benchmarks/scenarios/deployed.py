"""One measurement of several processes: what each role of a deployment used of a core while the generator ran.

Scenarios that ask of one process alone use `bench.run`.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import TROUBLE, Sampler, failure, say, told
from benchmarks.load.flood import Outcome, Phase, Plan, flood
from benchmarks.peers.model import Peer
from benchmarks.peers.nodes import COUNTED, Deployment, deployment
from benchmarks.results import Point
from liveserver.infra.ports import free_port

ROLES = ("nodes", "recorder", "valkey", "postgres")
Measure = Callable[[Deployment, str, int], Point]
"""Running nodes, the case and the round's number; the measurement."""


def on_nodes(
    scenario: str, peer: Peer, count: int, connections: int, case: str, number: int, measure: Measure
) -> Point:
    """One measurement on fresh nodes and fresh engines, for amounts rise from 1 again; a point without figures if that fails."""
    folder = Path(tempfile.mkdtemp(prefix="lsbench-nodes-", dir="/tmp"))
    folder.chmod(0o711)  # engines started by root run as another user, who has to pass through
    try:
        with deployment(folder, [free_port() for _ in range(count)], connections) as running:
            point = measure(running, case, number)
    except TROUBLE as error:
        return failure(error, scenario, peer, case, number)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(told(point) + "".join(f"  {name} {value:,.3f}" for name, value in point.more.items()))
    return point


def run_deployed(
    plan: Plan, running: Deployment, beside: Callable[[Phase], None] | None = None
) -> tuple[Outcome, Sampler, dict[str, float]]:
    """The generator's run, and each role's share of a core in the measured period; `beside` for what has to begin with it."""
    sampler = Sampler(running.first)
    marks: dict[Phase, dict[str, float]] = {}
    counts: dict[Phase, dict[str, float]] = {}

    def on_phase(phase: Phase) -> None:
        sampler.on_phase(phase)
        if beside is not None:
            beside(phase)
        if phase in ("measuring", "measured"):
            marks[phase] = running.cpu_s()
            try:
                counts[phase] = running.counted()
            except OSError:
                return  # a node too busy to answer costs these figures, not the run

    try:
        outcome = flood(plan, on_phase)
    finally:
        sampler.stop()
    seconds = plan.measure_ms / 1_000
    begun, ended = marks["measuring"], marks["measured"]
    used = {role: max(0.0, ended[role] - before) / seconds for role, before in begun.items()}
    each = [share for role, share in used.items() if role.startswith("node ")]
    shares = {f"{role}_cpu": used[role] for role in ROLES}
    if len(counts) == len(marks):
        batches, waits_s, flushes = (counts["measured"][name] - counts["measuring"][name] for name in COUNTED)
        shares |= {"batches_per_s": batches / seconds, "frames_per_s": flushes / len(each) / seconds}
        shares |= {"append_ms": waits_s / batches * 1_000} if batches else {}
    return outcome, sampler, shares | {"node_cpu_max": max(each), "node_cpu_mean": sum(each) / len(each)}
