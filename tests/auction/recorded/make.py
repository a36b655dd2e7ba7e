"""Writes a recorded log for `test_recorded.py`: what one release decided, to hold later releases to.

    python -m tests.auction.recorded.make v2

A file once committed is never written anew: a lot that is open while a server is updated must be decided as it was pinned.
When commands or rules gain something, add the next version beside the old ones.
"""

import hashlib
import random
import sys
from pathlib import Path
from typing import Any

import msgspec

from liveserver.auction.clock import timing
from liveserver.kernel.errors import Rejected
from liveserver.rooms.model import Entry, Verdict
from tests.support.shows import LocalShow

FOLDER = Path(__file__).parent
SEED = 20_250_601
STEPS = 500


class Line(msgspec.Struct):
    """One entry as it was appended, and what it came to. `payload` is base 64."""

    entry: Entry
    verdicts: list[dict[str, Any]]


class Final(msgspec.Struct):
    """The last line: the SHA-256 of the auctions' state, and of all facts as JSON."""

    state: str
    facts: str


def told(verdict: Verdict) -> dict[str, Any]:
    """What the sender was answered."""
    if isinstance(verdict, Rejected):
        return {"rejected": msgspec.to_builtins(verdict)}
    return {"ok": verdict.result}


def in_full(value: Any) -> Any:
    """State with every field said, whatever snapshots leave out of it."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        fields = {name: in_full(getattr(value, name)) for name in value.__struct_fields__}
        if config.array_like:
            return list(fields.values())
        return ({} if config.tag is None else {config.tag_field: config.tag}) | fields
    if isinstance(value, dict):
        return {key: in_full(part) for key, part in value.items()}
    return [in_full(part) for part in value] if isinstance(value, list | tuple) else value


def final(show_state: Any, facts: list[Any]) -> Final:
    state = hashlib.sha256(msgspec.msgpack.encode(in_full(show_state))).hexdigest()
    return Final(state, hashlib.sha256(msgspec.json.encode(facts)).hexdigest())


def played() -> LocalShow:
    """A seeded afternoon: all formats of clock and price, bids in batches, late ones, calls, voids, retries."""
    rng = random.Random(SEED)
    show = LocalShow(seed="recorded")
    people = [show.person(name) for name in ("Ana", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gil")]
    for person in people[:3]:
        person.client = "tab"
    for _ in range(STEPS):
        show.jump(rng.choice([0, 0, 1, 40, 300, 2_000, 9_000]))
        if not show.state.running and rng.random() < 0.6:
            show.host.opens(_terms(show, rng))
            continue
        lot = show.state.lots.get(show.current)
        least = 1000 if lot is None else lot.book.min_next
        roll = rng.random()
        if roll < 0.82:
            batch = [
                rng.choice(people).bid(
                    max(1, least + rng.choice([-100, 0, 0, 50, 100, 300, 700, 2_000])),
                    show.current or "none",
                    exact=rng.random() < 0.1,
                    rtt_ms=rng.choice([0, 30, 120, 499, 2_000]),
                )
                for _ in range(rng.choice([1, 1, 2, 5]))
            ]
            show.batch(*batch, *([batch[0]] if rng.random() < 0.1 else []))
        elif roll < 0.90:
            show.host.calls(show.current or "none")
        elif roll < 0.93:
            show.host.closes(show.current or "none")
        elif roll < 0.97:
            show.host.voids(rng.choice(people), lot=show.current or "none")
        else:
            show.host.passes(show.current or "none")
    # The last lot stays open: its pinned rules are in the final state.
    while show.state.running:
        show.ends()
    show.opens("lot_open", start=1000, increments="ebay-uk", reserve=4000)
    show.ana.bids(3000)
    return show


def _terms(show: LocalShow, rng: random.Random) -> Any:
    clock = timing(rng.choice(["live", "live", "sudden-death"]), hard_ms=rng.choice([None, 30_000, 60_000]))
    return show.terms(
        start=rng.choice([100, 1000]),
        increments=rng.choice(["flat:100", "live", "ebay-us", [(0, 50), (2000, 300)]]),
        reserve=rng.choice([None, None, 2500]),
        exact=rng.random() < 0.2,
        clock=clock,
        confirm_times=rng.choice([0, 3]),
        limit=rng.choice([None, None, 8000]),
    )


def write(name: str) -> Path:
    path = FOLDER / f"{name}.jsonl"
    if path.exists():
        raise SystemExit(f"{path.name} is there already: a recorded log is never written anew")
    show = played()
    lines: list[Any] = []
    at = 0
    for entry in show.entries:
        lines.append(Line(entry, [told(v) for _, v in show.verdicts[at : at + entry.count]]))
        at += entry.count
    lines.append(final(show.state, [fact for _, _, fact in show.facts]))
    path.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines) + b"\n")
    return path


if __name__ == "__main__":
    sys.stdout.write(f"wrote {write(sys.argv[1]).name}\n")
