"""All servers that can be compared, in the order in which reports show them.

A module that is not there, or that needs a package which is not, leaves the others untouched; which peers can run on this machine
is `Peer.missing`'s answer, not this module's.
"""

import importlib
import logging
from collections.abc import Sequence

from benchmarks.peers.model import Peer

MODULES = ("liveserver", "raw", "python", "nodejs", "nchan", "nats")
"""Modules of this package; each has `PEER`, or several `PEERS`."""

_log = logging.getLogger(__name__)


def all_peers(work: str) -> list[Peer]:
    """The peers that do this work, "fanout" or "bids"; also those that cannot run here."""
    return [peer for module in MODULES for peer in _peers_of(module) if peer.work == work]


def _peers_of(module: str) -> Sequence[Peer]:
    try:
        found = importlib.import_module(f"{__package__}.{module}")
    except ImportError as error:
        _log.warning("no peers from %s: %s", module, error)
        return ()
    return found.PEERS if hasattr(found, "PEERS") else (found.PEER,)
