"""The raw-send limit as a peer: a C server that does the sends and nothing else (`benchmarks/load/raw.c`).

It is no server anybody would use; it says how much of a figure is the machine's. By itself it flushes every 25 ms, as
liveserver does in a busy room; `like` gives it the interval and the bytes that liveserver had in a measurement, so that
both do the same sends.
"""

from benchmarks.load.build import compiler, program
from benchmarks.peers.model import Frame, Setting, Speech
from benchmarks.peers.process import Server, lacking, launch
from benchmarks.results import Point

FLUSH_MS = 25.0
PAYLOAD_BYTES = 100
STAMP_BYTES = len("TS=0123456789abcdef")
PAYLOAD_BYTES_MAX = 4_000
COALESCED_MIN = 2
"""Messages a flush from which on flushes are held back by an interval."""


class Raw:
    """The limit at some flush interval and size of messages."""

    name = "raw"
    title = "raw sends in C (the limit, no server)"
    work = "fanout"

    def __init__(self, flush_ms: float = FLUSH_MS, payload_bytes: int = PAYLOAD_BYTES) -> None:
        self.flush_ms = flush_ms
        self.payload_bytes = min(max(payload_bytes, STAMP_BYTES + 1), PAYLOAD_BYTES_MAX)

    def like(self, point: Point) -> "Raw":
        """The same flushes a second and bytes a delivery as in that measurement.

        In a quiet room every message has its own flush, so their number says nothing about an interval: the usual one is kept.
        """
        flushes_per_s = point.more.get("flushes_per_s", 0.0)
        coalesced = flushes_per_s > 0 and point.rate >= COALESCED_MIN * flushes_per_s
        return Raw(
            1_000 / flushes_per_s if coalesced else FLUSH_MS,
            round(point.more.get("bytes_per_delivery", PAYLOAD_BYTES)),
        )

    def missing(self) -> str:
        return lacking((), "") or ("" if compiler() else "there is no C compiler")

    def version(self) -> str:
        return "of this repository"

    def start(self, setting: Setting, core: int) -> Server:
        # One byte is the separator that the server puts behind each message.
        text = "TS={ts}".ljust(self.payload_bytes - 1 - STAMP_BYTES + len("TS={ts}"), ".")
        speech = Speech(path="/", publish_path="/publish", say=Frame(text))
        return launch([str(program("raw")), str(setting.port), f"{self.flush_ms:.3f}"], setting, core, speech)


PEER = Raw()
