"""The clock of a lot: when it ends, when a bid extends it, and which late bids still count.

Pure arithmetic on milliseconds of the log; it reads no clock. Source: auction-rules.md, "The clock".
"""

import msgspec

from liveserver.kernel.errors import Rejected

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
DAY_MS = 24 * 60 * MINUTE_MS

DURATION_MIN_MS = 100
"""Shorter lots could not be bid on over any network."""
DURATION_MAX_MS = 30 * DAY_MS
"""The longest timed auction anybody publishes; a show's log is not made for longer."""
WINDOW_MAX_MS = DAY_MS
HARD_MAX_MS = 60 * DAY_MS
HAMMER_MAX_MS = 10 * SECOND_MS
CALL_GAP_MAX_MS = 60 * SECOND_MS

HAMMER_MS = 700
"""How long a lot is `closing` before its result, by default: covers the allowance and the way of a packet."""
CALL_GAP_MS = 3_000
"""Least time between two calls ("going once", "going twice", "sold"), by default."""
ALLOWANCE_MAX_MS = 250
"""Most that a bidder's network is made up for, however slow it is measured."""


class Timing(msgspec.Struct, frozen=True):
    """A lot's clock settings, pinned when it opens."""

    preset: str
    duration_ms: int
    window_ms: int
    """A bid that comes when less than this is left extends the lot."""
    extend_ms: int
    """By an extension at least this much is left."""
    hard_ms: int | None
    """From the opening on, no extension goes further than this. None: no such limit."""
    hammer_ms: int = HAMMER_MS
    call_gap_ms: int = CALL_GAP_MS
    allowance_max_ms: int = ALLOWANCE_MAX_MS
    """0 for sudden death: there a late bid could not be answered (faults.md, "RTT inflation")."""


PRESETS: dict[str, Timing] = {
    "live": Timing("live", 30 * SECOND_MS, 10 * SECOND_MS, 10 * SECOND_MS, 10 * MINUTE_MS),
    "sudden-death": Timing("sudden-death", 30 * SECOND_MS, 0, 0, 30 * SECOND_MS, allowance_max_ms=0),
    "timed": Timing("timed", 3 * DAY_MS, 10 * MINUTE_MS, 10 * MINUTE_MS, 4 * DAY_MS),
}

UNKNOWN_PRESET = Rejected(
    "unknown_preset", f"There is no such clock. Use {', '.join(PRESETS)}.", detail={"field": "clock.preset"}
)


def _bad(field: str, message: str) -> Rejected:
    return Rejected("bad_clock", message, detail={"field": f"clock.{field}"})


def timing(
    preset: str = "live",
    *,
    duration_ms: int | None = None,
    window_ms: int | None = None,
    extend_ms: int | None = None,
    hard_ms: int | None = None,
    hammer_ms: int = HAMMER_MS,
    call_gap_ms: int = CALL_GAP_MS,
) -> Timing | Rejected:
    """The preset with what is given in its place; `unknown_preset` or `bad_clock` (naming the field).

    A duration of one's own moves the preset's hard end along, so that the same room for extensions stays. A clock
    that never extends, by whatever name, is sudden death and makes no allowance.
    """
    base = PRESETS.get(preset)
    if base is None:
        return UNKNOWN_PRESET
    lasts_ms = base.duration_ms if duration_ms is None else duration_ms
    window = base.window_ms if window_ms is None else window_ms
    extend = base.extend_ms if extend_ms is None else extend_ms
    if hard_ms is None and base.hard_ms is not None:
        hard_ms = lasts_ms + base.hard_ms - base.duration_ms
    if not DURATION_MIN_MS <= lasts_ms <= DURATION_MAX_MS:
        return _bad("duration_ms", f"A lot lasts {DURATION_MIN_MS} ms to {DURATION_MAX_MS // DAY_MS} days.")
    if not (0 <= window <= WINDOW_MAX_MS and 0 <= extend <= WINDOW_MAX_MS):
        return _bad("window_ms", "Window and extension are 0 ms to a day.")
    if hard_ms is not None and not lasts_ms <= hard_ms <= HARD_MAX_MS:
        return _bad(
            "hard_ms", "The hard end can't come before the end, and at most 60 days after the opening."
        )
    if not (0 <= hammer_ms <= HAMMER_MAX_MS and 0 <= call_gap_ms <= CALL_GAP_MAX_MS):
        return _bad("hammer_ms", "The hammer takes at most 10 s, and calls are at most 60 s apart.")
    extends = window > 0 and extend > 0 and (hard_ms is None or hard_ms > lasts_ms)
    allowance = ALLOWANCE_MAX_MS if extends else 0
    return Timing(preset, lasts_ms, window, extend, hard_ms, hammer_ms, call_gap_ms, allowance)


def allowance_ms(pinned: Timing, rtt_ms: int) -> int:
    """What a late bid is made up for: half its sender's round trip, capped. Whole milliseconds, rounded down."""
    return min(max(rtt_ms, 0) // 2, pinned.allowance_max_ms)


def extended(pinned: Timing, ends_at: int, hard_ends_at: int | None, ts: int) -> int:
    """The end after an accepted bid at `ts` that changed price or leader: later or the same, never earlier."""
    if ends_at - ts >= pinned.window_ms:
        return ends_at
    end = max(ends_at, ts + pinned.extend_ms)
    # A host's hammer may have set an end, a hard end never moves it back.
    return end if hard_ends_at is None else max(ends_at, min(hard_ends_at, end))
