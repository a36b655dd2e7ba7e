"""43,774 real live-stream messages through moderation and the room: ordinary chat passes, nothing breaks, nothing grows."""

import collections
from pathlib import Path

import msgspec
import pytest

from liveserver.chat import model as m
from liveserver.chat.feature import ChatFeature
from liveserver.chat.links import find_links
from liveserver.chat.moderation import Passed, moderate
from liveserver.rooms.edge import command
from liveserver.rooms.model import Actor, Batch, Entry
from liveserver.rooms.room import Room, refused
from liveserver.shows.model import ChatSettings
from tests.support.replica import START_TS

CORPUS = Path(__file__).parents[3] / "shared/data/chat/live_chat.tsv"
pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real chat is not at hand")

SENT = 43_774
# Read through by eye: the links are links, the repeats are "LUL", "MUTE IT", "BOOOO" said twice by one person within 10 s.
EXPECTED = {"links_off": 3, "duplicate_message": 35}


def messages() -> list[tuple[int, str, str]]:
    """Offset in ms, author, text."""
    rows = [line.split("\t") for line in CORPUS.read_text(encoding="utf-8").split("\n")[1:] if line]
    assert len(rows) == SENT
    return [(int(row[1]) * 1000, row[2], row[4]) for row in rows]


def test_real_chat_passes_and_the_room_stays_bounded():
    room = Room("show_1", [ChatFeature()])
    why: collections.Counter[str] = collections.Counter()
    for offset_ms, user, text in messages():
        judged = moderate(text, ChatSettings(), "viewer")
        if not isinstance(judged, Passed):
            why[judged.code] += 1
            continue
        send = m.Send(judged.text, judged.digest, 0)
        batch = msgspec.msgpack.encode(
            Batch(b"s", (command("chat:send", Actor(user, user, "viewer"), send),))
        )
        ts = max(room.ts, START_TS + offset_ms)
        entry = Entry(1, room.seq + 1, ts, "n1", room.seq + 1, room.head, f"h{room.seq + 1}", batch, 1)
        refusal = refused(room.apply(entry).verdicts[0])
        if refusal is not None:
            why[refusal.code] += 1

    assert why == EXPECTED
    state = room.states["chat"]
    assert len(state.messages) == m.MESSAGES_MAX
    assert len(state.senders) <= m.SENDERS_MAX
    assert all(len(said) <= m.REPEATS_MAX for said in state.senders.values())
    dumped = room.dump()
    assert len(dumped) < 300_000
    assert Room.load(dumped, room.features).dump() == dumped


def test_links_found_in_real_chat_are_links():
    found = [link for _, _, text in messages() for link in find_links(text)]
    assert found == ["https://back4blood.com/en-us", "https://www.twitch.tv/actionbutton", "Gametrailers.com"]
