"""Old snapshot + events == new snapshot, for any history of chat, from any moment on."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from liveserver.chat import model as m
from liveserver.chat.feature import ChatFeature
from liveserver.chat.text import digest
from liveserver.client.reducers.chat import SHOWN_MAX, reduce
from tests.support.replica import Replica, person

PEOPLE = [person("Ana"), person("Ben"), person("Mod", "moderator"), person("Hana", "host")]
SEQS = st.integers(1, 120)
USERS = st.sampled_from([p.id for p in PEOPLE])
TEXTS = st.sampled_from(["hi", "hello", "🔥", "how much?", "mine"])

COMMANDS = st.one_of(
    TEXTS.map(lambda text: ("chat:send", m.Send(text, digest(text), 50))),
    SEQS.map(lambda seq: ("chat:delete", m.Delete(seq))),
    st.none().map(lambda seq: ("chat:pin", m.Pin(seq))),
    SEQS.map(lambda seq: ("chat:pin", m.Pin(seq))),
    st.integers(0, 500).map(lambda ms: ("chat:slow", m.SetSlow(ms))),
    USERS.map(lambda user: ("user:mute", m.MuteUser(user, "viewer", 300))),
    USERS.map(lambda user: ("user:unmute", m.UnmuteUser(user))),
    USERS.map(lambda user: ("user:ban", m.BanUser(user, "viewer", ""))),
    USERS.map(lambda user: ("user:unban", m.UnbanUser(user))),
)
STEPS = st.lists(st.tuples(st.sampled_from(PEOPLE), COMMANDS, st.integers(0, 400)), max_size=60)


def visible(show: Replica) -> dict[str, object]:
    return show.room.snapshot()["chat"]


@settings(max_examples=150, deadline=None)
@given(early=st.integers(0, 110), before=STEPS, after=STEPS)
def test_old_snapshot_and_events_make_the_new_snapshot(early: int, before, after):
    show = Replica(ChatFeature())
    for i in range(early):
        show.wait(400)
        show.appends(PEOPLE[i % 4], "chat:send", m.Send(f"early {i}", digest(f"early {i}")))
    for actor, (kind, args), wait_ms in before:
        show.wait(wait_ms)
        show.appends(actor, kind, args)
    picture = copy.deepcopy(visible(show))
    known = len(show.wire_events())
    for actor, (kind, args), wait_ms in after:
        show.wait(wait_ms)
        show.appends(actor, kind, args)
    for event in show.wire_events()[known:]:
        reduce(picture, event)
    assert picture == visible(show)
    show.assert_survives_storage()


def test_client_and_server_agree_on_how_much_is_shown():
    assert SHOWN_MAX == m.SHOWN_MAX


def test_events_of_others_change_nothing():
    picture: dict[str, object] = {"messages": [], "pinned": None, "slow_ms": 0}
    reduce(picture, {"type": "bid:accepted", "payload": {"price": 5}})
    assert picture == {"messages": [], "pinned": None, "slow_ms": 0}
