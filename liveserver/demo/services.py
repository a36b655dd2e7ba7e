"""What the demo is built from: the services that seed records. It makes none of them; the composition root does."""

from typing import Protocol, TypeVar

from liveserver.accounts.service import Accounts
from liveserver.catalog.service import Catalog
from liveserver.checkout.model import Cards, Till
from liveserver.infra.database import Pool
from liveserver.kernel.clock import Clock
from liveserver.kernel.errors import Mendable, Rejected
from liveserver.shows.service import Shows

T = TypeVar("T")


class DemoServices(Protocol):
    """The records that the demo writes, through the rules that everybody's records go through."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def catalog(self) -> Catalog: ...
    @property
    def shows(self) -> Shows: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def cards(self) -> Cards | None: ...
    @property
    def till(self) -> Till | None: ...


def granted(answer: T | Rejected, doing: str) -> T:
    """What must not be refused. Raises Mendable: the data directory holds something that is not the demo's."""
    if isinstance(answer, Rejected):
        raise Mendable(
            f"The demo can't be set up: {doing} was refused ({answer.code}: {answer.message})",
            "demo data",
            "Use an empty data directory for the demo (LIVESERVER_DATA_DIR).",
        )
    return answer
