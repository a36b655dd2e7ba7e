"""Chat in a room: who may write when, what moderators can do to whom, and who is told."""

import msgspec
import pytest

from liveserver.chat import model as m
from liveserver.chat.feature import ChatFeature
from liveserver.chat.moderation import Passed, moderate
from liveserver.rooms.model import STAFF_ONLY, Actor, Decision, Role
from liveserver.shows.model import ChatSettings
from tests.support.replica import START_TS, Replica, person

ANA, BEN = person("Ana"), person("Ben")
MOD, MAX, HOST = person("Mod", "moderator"), person("Max", "moderator"), person("Hana", "host")
OPERATOR = person("Olga", "admin")


def says(text: str, slow_ms: int = 0) -> m.Send:
    judged = moderate(text, ChatSettings(), "host")
    assert isinstance(judged, Passed)
    return m.Send(judged.text, judged.digest, slow_ms)


@pytest.fixture
def show() -> Replica:
    return Replica(ChatFeature())


def test_a_message_reaches_the_room_exactly_as_documented(show: Replica):
    assert show.does(ANA, "chat:send", says("hello")) == {"id": "m1"}
    assert show.told() == [
        (
            "chat:new",
            {"id": "m1", "user": {"id": "u_ana", "name": "Ana"}, "message": "hello", "ts": START_TS},
        )
    ]


@pytest.mark.parametrize("staff", [MOD, HOST, OPERATOR])
def test_staff_carry_a_badge(show: Replica, staff: Actor):
    show.does(staff, "chat:send", says("welcome"))
    assert show.told()[0][1]["user"] == {"id": staff.id, "name": staff.name, "role": staff.role}


# Refusals by what went before


def muted(show: Replica):
    show.does(MOD, "user:mute", m.MuteUser(ANA.id, "viewer", 60_000))


def banned(show: Replica):
    show.does(MOD, "user:ban", m.BanUser(ANA.id, "viewer", "spam"))


def slow(show: Replica):
    show.does(MOD, "chat:slow", m.SetSlow(5_000))
    show.does(ANA, "chat:send", says("first"))


def slow_by_setting(show: Replica):
    show.does(ANA, "chat:send", says("first", slow_ms=5_000))


def slow_off_again(show: Replica):
    slow_by_setting(show)
    show.does(MOD, "chat:slow", m.SetSlow(0))


def said_it(show: Replica):
    show.does(ANA, "chat:send", says("hello"))


def said_it_before_last(show: Replica):
    said_it(show)
    show.does(ANA, "chat:send", says("and"))


def muted_and_lifted(show: Replica):
    muted(show)
    show.does(MAX, "user:unmute", m.UnmuteUser(ANA.id))


def banned_and_lifted(show: Replica):
    banned(show)
    show.does(MAX, "user:unban", m.UnbanUser(ANA.id))


@pytest.mark.parametrize(
    ("before", "wait_ms", "code", "detail"),
    [
        (muted, 0, "muted", {"wait_ms": 60_000, "until_ts": START_TS + 60_000}),
        (muted, 59_999, "muted", {"wait_ms": 1, "until_ts": START_TS + 60_000}),
        (muted, 60_000, "ok", {}),
        (muted_and_lifted, 0, "ok", {}),
        (banned, 10**9, "banned", {}),
        (banned_and_lifted, 0, "ok", {}),
        (slow, 4_000, "slow_mode", {"wait_ms": 1_000}),
        (slow, 5_000, "ok", {}),
        (slow_by_setting, 4_999, "slow_mode", {"wait_ms": 1}),
        (slow_off_again, 0, "ok", {}),
        (said_it, 9_999, "duplicate_message", {"wait_ms": 1}),
        (said_it, 10_000, "ok", {}),
        (said_it_before_last, 5_001, "duplicate_message", {"wait_ms": 4_999}),
    ],
)
def test_refusals_by_what_went_before(show: Replica, before, wait_ms: int, code: str, detail: dict[str, int]):
    before(show)
    show.wait(wait_ms)
    verdict = show.appends(ANA, "chat:send", says("Hello", slow_ms=5_000))
    assert ("ok" if isinstance(verdict, Decision) else verdict.code) == code
    if not isinstance(verdict, Decision):
        assert verdict.detail == detail
        assert verdict.retryable == (code != "banned")
    # Somebody else is not concerned.
    show.does(BEN, "chat:send", says("Hello", slow_ms=5_000))


def test_staff_are_free_of_slow_mode_and_may_repeat(show: Replica):
    show.does(MOD, "chat:slow", m.SetSlow(60_000))
    for _ in range(2):
        show.does(MOD, "chat:send", says("lot 3 is next"))


def test_a_refused_message_does_not_prolong_the_wait(show: Replica):
    slow(show)
    show.wait(4_999)
    show.refuses(ANA, "chat:send", says("again"))
    show.wait(1)
    show.does(ANA, "chat:send", says("again"))


# Who may do what to whom

_ROLES: list[Role] = ["viewer", "moderator", "host", "admin"]
_ABOVE = {("moderator", "viewer"), ("host", "viewer"), ("host", "moderator")} | {
    ("admin", role) for role in _ROLES[:3]
}


@pytest.mark.parametrize("kind", ["user:mute", "user:ban"])
@pytest.mark.parametrize("actor", _ROLES)
@pytest.mark.parametrize("target", _ROLES)
@pytest.mark.parametrize("spoke", [True, False])
def test_people_act_only_on_those_below_them(
    show: Replica, kind: str, actor: Role, target: Role, spoke: bool
):
    victim = person("Victim", target)
    # The records know hosts and moderators; the operator is known by having spoken as one.
    recorded: Role = "viewer" if target == "admin" else target
    if spoke or target == "admin":
        show.does(victim, "chat:send", says("hello"))
    args = (
        m.MuteUser(victim.id, recorded, 60_000) if kind == "user:mute" else m.BanUser(victim.id, recorded, "")
    )
    verdict = show.appends(person("Actor", actor), kind, args)
    if (actor, target) in _ABOVE:
        assert isinstance(verdict, Decision)
    else:
        assert not isinstance(verdict, Decision)
        assert verdict.code == "outranked"


@pytest.mark.parametrize("actor", [*_ROLES, "author"])
@pytest.mark.parametrize("author", _ROLES)
def test_who_may_delete_whose_message(show: Replica, actor: str, author: Role):
    wrote = person("Author", author)
    show.does(wrote, "chat:send", says("hello"))
    who = wrote if actor == "author" else person("Actor", actor)  # pyright: ignore[reportArgumentType] - roles of a table
    verdict = show.appends(who, "chat:delete", m.Delete(1))
    if actor == "author":
        assert isinstance(verdict, Decision)
        assert show.told()[-1] == ("chat:deleted", {"id": "m1", "ids": ["m1"], "by": "author"})
    elif actor != "viewer" and _ROLES.index(actor) >= _ROLES.index(author):  # pyright: ignore[reportArgumentType] - as above
        assert isinstance(verdict, Decision)
        assert show.told()[-1] == ("chat:deleted", {"id": "m1", "ids": ["m1"], "by": "moderator"})
    else:
        assert not isinstance(verdict, Decision)
        assert verdict.code == ("not_author" if actor == "viewer" else "outranked")
    assert len(show.snapshot("chat")["messages"]) == (0 if isinstance(verdict, Decision) else 1)


@pytest.mark.parametrize("kind", sorted({"bid:place", "reaction:send", *ChatFeature.commands}))
def test_a_ban_closes_all_ways_to_take_part(show: Replica, kind: str):
    show.does(HOST, "user:ban", m.BanUser(MOD.id, "moderator", "told us prices"))
    for bad in (MOD, person("Mod", "viewer")):
        refusal = show.room.refusal(kind, bad, show.ts)
        assert refusal is not None
        assert refusal.code == "banned"
    assert show.room.refusal(kind, ANA, show.ts) is None
    assert show.room.refusal("room:join", MOD, show.ts) is None, "a banned person may watch"


def test_a_banned_moderator_can_not_lift_the_ban(show: Replica):
    show.does(HOST, "user:ban", m.BanUser(MOD.id, "moderator", ""))
    assert show.refuses(MOD, "user:unban", m.UnbanUser(MOD.id)).code == "banned"


def test_a_muted_moderator_can_not_unmute_themselves(show: Replica):
    show.does(HOST, "user:mute", m.MuteUser(MOD.id, "moderator", 60_000))
    assert show.refuses(MOD, "user:unmute", m.UnmuteUser(MOD.id)).code == "outranked"
    show.does(MAX, "user:unmute", m.UnmuteUser(MOD.id))
    show.does(MOD, "chat:send", says("thanks"))


# What people are told


def test_a_ban_hides_what_was_said_and_unpins_it(show: Replica):
    show.does(ANA, "chat:send", says("buy my stuff"))
    show.does(BEN, "chat:send", says("nice lot"))
    show.does(ANA, "chat:send", says("cheap stuff"))
    show.does(MOD, "chat:pin", m.Pin(3))
    assert show.does(MOD, "user:ban", m.BanUser(ANA.id, "viewer", "spam")) == {"hidden": 2}
    assert show.told()[-2:] == [
        ("chat:deleted", {"user": "u_ana", "ids": ["m1", "m3"], "by": "moderator"}),
        ("chat:pinned", {"message": None}),
    ]
    picture = show.snapshot("chat")
    assert [message["message"] for message in picture["messages"]] == ["nice lot"]
    assert picture["pinned"] is None


def test_mutes_and_bans_are_told_to_the_person_and_to_staff_alone(show: Replica):
    show.does(ANA, "chat:send", says("hello"))
    before = len(show.told())
    show.does(MOD, "user:mute", m.MuteUser(ANA.id, "viewer", 60_000))
    show.does(MOD, "user:ban", m.BanUser(ANA.id, "viewer", "spam"))
    show.does(MOD, "user:unban", m.UnbanUser(ANA.id))
    show.does(MOD, "user:unmute", m.UnmuteUser(ANA.id))
    ana, by = {"id": "u_ana", "name": "Ana"}, {"id": "u_mod", "name": "Mod"}
    assert show.told_to("u_ana") == [
        ("user:muted", {"user": ana, "until_ts": START_TS + 60_000}),
        ("user:banned", {"user": ana, "reason": "spam"}),
        ("user:unbanned", {"user": {"id": "u_ana"}}),
        ("user:unmuted", {"user": {"id": "u_ana"}}),
    ]
    assert [(kind, told["by"]) for kind, told in show.told(STAFF_ONLY)] == [
        ("user:muted", by),
        ("user:banned", by),
        ("user:unbanned", by),
        ("user:unmuted", by),
    ]
    assert [kind for kind, _ in show.told()[before:]] == ["chat:deleted"]


def test_everybody_sees_only_their_own_mute_and_ban_staff_see_all(show: Replica):
    show.does(ANA, "chat:send", says("hello"))
    show.does(MOD, "user:mute", m.MuteUser(ANA.id, "viewer", 60_000))
    show.does(MOD, "user:ban", m.BanUser(ANA.id, "viewer", "spam"))
    assert show.snapshot("chat", user=ANA.id)["you"] == {"muted_until": START_TS + 60_000, "banned": True}
    assert show.snapshot("chat", user=BEN.id)["you"] == {"muted_until": None, "banned": False}
    staff = show.snapshot("chat", "moderator", MAX.id)["you"]
    assert [entry["user"]["id"] for entry in staff["muted"]] == [ANA.id]
    assert [(entry["user"]["name"], entry["reason"]) for entry in staff["bans"]] == [("Ana", "spam")]
    spoken_of = str({k: v for k, v in show.snapshot("chat", user=BEN.id).items() if k != "messages"})
    assert "u_ana" not in spoken_of


def test_lifting_what_is_not_there_is_accepted_and_says_nothing(show: Replica):
    show.does(MOD, "user:unmute", m.UnmuteUser(ANA.id))
    show.does(MOD, "user:unban", m.UnbanUser(ANA.id))
    show.does(MOD, "chat:pin", m.Pin(None))
    assert show.events == []


def test_pins_outlive_the_window_and_end_with_their_message(show: Replica):
    show.does(HOST, "chat:send", says("shipping is free today"))
    show.does(MOD, "chat:pin", m.Pin(1))
    for i in range(m.MESSAGES_MAX + 5):
        show.does(BEN, "chat:send", says(f"message {i}"))
    assert show.snapshot("chat")["pinned"]["message"] == "shipping is free today"
    assert show.refuses(MOD, "chat:delete", m.Delete(1)).code == "outranked"
    show.does(HOST, "chat:delete", m.Delete(1))
    assert show.snapshot("chat")["pinned"] is None


def test_pinning_what_is_not_there_is_refused(show: Replica):
    assert show.refuses(MOD, "chat:pin", m.Pin(1)).code == "no_such_message"


def test_staff_may_delete_what_only_viewers_still_have(show: Replica):
    for i in range(m.MESSAGES_MAX + 1):
        show.does(BEN, "chat:send", says(f"message {i}"))
    assert show.refuses(BEN, "chat:delete", m.Delete(1)).code == "no_such_message"
    show.does(MOD, "chat:delete", m.Delete(1))
    assert show.told()[-1] == ("chat:deleted", {"id": "m1", "ids": ["m1"], "by": "moderator"})
    assert show.refuses(MOD, "chat:delete", m.Delete(10**6)).code == "no_such_message"


def test_the_shows_own_slow_mode_is_told_with_the_first_message(show: Replica):
    assert show.snapshot("chat")["slow_ms"] == 0
    show.does(ANA, "chat:send", says("hello", slow_ms=3_000))
    assert [kind for kind, _ in show.told()] == ["chat:slow", "chat:new"]
    assert show.snapshot("chat")["slow_ms"] == 3_000


# Bounds


def test_snapshots_show_the_last_fifty(show: Replica):
    for i in range(130):
        show.does(BEN, "chat:send", says(f"message {i}"))
    shown = [message["message"] for message in show.snapshot("chat")["messages"]]
    assert shown == [f"message {i}" for i in range(80, 130)]
    assert len(show.room.states["chat"].messages) == m.MESSAGES_MAX


def test_the_longest_silent_is_forgotten_first(show: Replica):
    show.does(ANA, "chat:send", says("hello"))
    show.does(BEN, "chat:send", says("hello"))
    for i in range(m.SENDERS_MAX - 2):
        show.does(person(f"P{i}"), "chat:send", says("hello"))
    show.does(ANA, "chat:send", says("again"))
    show.does(person("One"), "chat:send", says("hello"))
    senders = show.room.states["chat"].senders
    assert len(senders) == m.SENDERS_MAX
    assert ANA.id in senders
    assert BEN.id not in senders


def test_full_mutes_lift_the_one_that_ends_first(show: Replica):
    show.does(MOD, "user:mute", m.MuteUser("u_long", "viewer", 900_000))
    show.does(MOD, "user:mute", m.MuteUser("u_short", "viewer", 60_000))
    for i in range(m.MUTES_MAX - 1):
        show.does(MOD, "user:mute", m.MuteUser(f"u_{i}", "viewer", 600_000))
    mutes = show.room.states["chat"].mutes
    assert len(mutes) == m.MUTES_MAX
    assert "u_long" in mutes
    assert "u_short" not in mutes


def test_mutes_that_are_over_make_room(show: Replica):
    show.does(MOD, "user:mute", m.MuteUser("u_1", "viewer", 1_000))
    show.wait(1_000)
    show.does(MOD, "user:mute", m.MuteUser("u_2", "viewer", 1_000))
    assert list(show.room.states["chat"].mutes) == ["u_2"]


def test_a_full_ban_list_refuses_rather_than_forgets(show: Replica):
    show.room.states["chat"].bans = {f"u_{i}": m.Ban(1, "", "") for i in range(m.BANS_MAX)}
    assert show.refuses(MOD, "user:ban", m.BanUser(ANA.id, "viewer", "")).code == "ban_list_full"
    show.does(MOD, "user:ban", m.BanUser("u_7", "viewer", "once more"))
    assert len(show.room.states["chat"].bans) == m.BANS_MAX
    assert len(msgspec.json.encode(show.snapshot("chat", "host", HOST.id))) < 16_384


def test_the_room_survives_storage(show: Replica):
    said_it_before_last(show)
    muted(show)
    show.does(HOST, "chat:send", says("pin this", slow_ms=100))
    show.does(MOD, "chat:pin", m.Pin(show.room.seq))
    show.does(MOD, "user:ban", m.BanUser(BEN.id, "viewer", "spam"))
    show.assert_survives_storage()
