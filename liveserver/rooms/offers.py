"""What every living process can decide: a newer release sends nothing into a log that an older one beside it can't read.

While releases run side by side, commands that some of them don't know are refused as `not_yet`; when the last older one is gone they
are taken. It looks at the registry once a beat; a process that joins in between halts the rooms it can't read and says so.
"""

from collections.abc import Iterable

import structlog

from liveserver.kernel.errors import Rejected
from liveserver.nodes.model import NodeSeen
from liveserver.nodes.service import Nodes
from liveserver.rooms.model import LOG_VERSION

log = structlog.get_logger(__name__)

NOT_YET = Rejected(
    "not_yet", "The server is being updated and can't do this for a moment. Try again.", retryable=True
)


class Offers:
    """Which of this process's commands, and versions of rules, are held back. Without a registry none are."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self.withheld: frozenset[str] = frozenset()
        """What some living process does not know."""
        self.surpassed = False
        """Whether another process that serves people knows what this one does not."""
        self._kinds = frozenset(kinds)
        self._pythons: frozenset[str] = frozenset()

    async def look(self, nodes: Nodes) -> None:
        """Asks the registry. Raises what PostgreSQL raises; then what was known goes on to count."""
        self.compare(await nodes.alive())

    def compare(self, living: Iterable[NodeSeen]) -> None:
        """Takes in who lives now."""
        seen = list(living)
        withheld = frozenset(kind for kind in self._kinds if not all(kind in node.kinds for node in seen))
        if withheld != self.withheld:
            self.withheld = withheld
            older = sorted({node.release for node in seen if withheld.difference(node.kinds)})
            log.warning("commands_withheld", kinds=sorted(withheld), because_of=older)
        self.surpassed = any(
            node.kind == "serving"
            and not node.draining
            and (node.log_version > LOG_VERSION or not self._kinds.issuperset(node.kinds))
            for node in seen
        )
        pythons = frozenset(node.python for node in seen)
        if len(pythons) > 1 and pythons != self._pythons:
            # Texts are parsed at the edge for this reason; still, nobody should run like this for long (faults.md, row 22).
            log.warning("pythons_differ", versions=sorted(pythons))
        self._pythons = pythons


ALONE = Offers()
"""Of a process that knows of no others: nothing is held back."""
