"""One serving node of `liveserver cluster`: a child process with a loopback port of its own.

What it serves is what `serve` serves; the front before it, the engines and the recorder beside it are its parent's.
"""

import sys

from liveserver.cli.children import STOP_EXTRA_S, Child, Orders, read_orders, say_started, watching_parent
from liveserver.cli.compose import running_node
from liveserver.cli.ports import listen
from liveserver.cli.process import prepare_process, run_in_loop, stop_signals

NAME = "node"
"""How nodes are called in log lines and to people: node-1, node-2 …"""


def node(orders: Orders) -> Child:
    """A node as its parent keeps it. It is never given up: while it is away the others serve."""
    return Child(NAME, "liveserver.cli.node", orders, lasting=True)


async def _serve(orders: Orders) -> int:
    settings = orders.settings
    prepare_process(settings, node=f"{NAME}-{orders.number}")
    async with stop_signals(child=True) as stop:
        with (
            watching_parent(stop, settings.stop_grace_ms / 1000 + STOP_EXTRA_S),
            # Shared with the parent, which keeps the port for a successor, and with a predecessor that still says goodbye.
            listen(settings.host, settings.port, shared=True) as listener,
        ):
            async with running_node(settings, orders.engines, listener, recorder=orders.recorder, stop=stop):
                say_started()
                await stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(run_in_loop(_serve(read_orders())))
