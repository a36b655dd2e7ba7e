"""`liveserver serve`: engines, a recorder beside, and one node in this process or several in children, until a signal or a failure.

The port is taken first, so that a wrong one is told at once; engines are stopped last, so that everything is recorded.
"""

import socket
import sys
from collections.abc import Mapping
from typing import Any

from liveserver.cli.compose import prepare_database, running_node
from liveserver.cli.leaving import cut_off
from liveserver.cli.lifetime import engines_of, say_ready, until_stopped
from liveserver.cli.ports import listen
from liveserver.cli.process import Stop, prepare_process, run_in_loop, stop_signals
from liveserver.cli.recorder import recorder_of
from liveserver.cli.say import progress, warn
from liveserver.cli.workers import supervise
from liveserver.config import Loaded, Settings, load
from liveserver.infra.engines import Engines
from liveserver.infra.tracing import tracing


def run(flags: Mapping[str, Any]) -> None:
    """Serves until stopped. Raises Problem or Mendable when it can't start; exits with 1 when something gave up."""
    loaded = load(flags)
    prepare_process(loaded.settings)
    for stray in loaded.unknown:
        warn(str(stray))
    sys.exit(run_in_loop(serve(loaded)))


async def serve(loaded: Loaded) -> int:
    """Engines and nodes; the exit code."""
    settings = loaded.settings
    async with stop_signals(rolls=settings.workers > 1) as stop:
        if settings.unlimited:
            warn("rate limits are lifted (--unlimited): for load tests on this machine only")
        with listen(settings.host, settings.port) as listener:
            async with engines_of(settings) as engines:
                async with tracing(settings.tracing_endpoint, settings.tracing_percent, "migrations"):
                    await prepare_database(engines, progress)
                async with recorder_of(settings, engines, stop) as recorder:
                    if settings.workers == 1:
                        return await _one(settings, engines, recorder.name, listener, stop)
                    # Held until here so that nobody else takes the port meanwhile; workers share it in another way.
                    listener.close()
                    return await supervise(settings, engines, recorder, stop)


async def _one(
    settings: Settings, engines: Engines, recorder: str, listener: socket.socket, stop: Stop
) -> int:
    async with (
        cut_off(stop, settings.stop_grace_ms),
        running_node(settings, engines, listener, recorder=recorder, stop=stop) as node,
    ):
        say_ready(node.origin)
        return await until_stopped(engines, stop)
