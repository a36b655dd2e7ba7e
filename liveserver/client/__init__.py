"""The Python client: watch shows, bid, speak and host over the WebSocket. A public interface, used by demo, load tests and bots.

It imports nothing of the server but the kernel's words. `LiveClient` is the way in; `apply` keeps a snapshot up to date
for those who bring their own transport.
"""

from liveserver.client.live import LiveClient, Refused
from liveserver.client.results import BidPlaced, Bought, Done, LotOpened, Said
from liveserver.client.room import SNAPSHOT, Event, Events, Room
from liveserver.client.view import apply

__all__ = [
    "SNAPSHOT", "BidPlaced",
    "Bought", "Done", "Event", "Events", "LiveClient", "LotOpened", "Refused", "Room", "Said", "apply",
]  # fmt: skip
