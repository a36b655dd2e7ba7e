"""Chat's messages from the wire to the log: who may send what, what is settled, which payloads can't be."""

from typing import Any

import msgspec
import pytest

from liveserver.chat import model as m
from liveserver.chat.feature import ChatFeature
from liveserver.chat.wire import ROUTES, routes
from liveserver.kernel.clock import VirtualClock
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import ShowId, UserId
from liveserver.rooms.edge import Edge, Route
from liveserver.rooms.model import Role
from liveserver.shows.model import ChatSettings, Show
from tests.support.replica import person

SHOW = Show(
    id=ShowId("show_1"),
    title="Cameras",
    description="",
    host=UserId("u_hana"),
    host_name="Hana",
    moderators=(UserId("u_mod"),),
    currency="EUR",
    status="live",
    scheduled_ts=None,
    started_ts=None,
    ended_ts=None,
    picture="",
    chat=ChatSettings(blocked_words=("damn",), slow_ms=2_000),
)
BY_TYPE = {route.type: route for route in ROUTES}


def settle(kind: str, payload: dict[str, Any], role: Role = "viewer") -> msgspec.Struct | Rejected:
    route = BY_TYPE[kind]
    typed = msgspec.json.decode(msgspec.json.encode({"show": "show_1", **payload}), type=route.payload)
    no_records: Any = None
    edge = Edge(person("Ana", role), SHOW, no_records, no_records, VirtualClock())
    settled = route.settle(typed, edge)
    assert isinstance(settled, msgspec.Struct), "chat is settled without a wait: it is a hot path"
    return settled


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.type)
@pytest.mark.parametrize("role", ["guest", "viewer", "moderator", "host", "admin"])
def test_role_by_command(route: Route, role: Role):
    everybody_signed_in = {"chat:send", "chat:delete"}
    allowed = role in {"moderator", "host", "admin"} or (
        route.type in everybody_signed_in and role == "viewer"
    )
    assert (role in route.roles) == allowed


def test_every_command_of_chat_has_its_route_and_its_arguments():
    assert {route.kind for route in ROUTES} == set(ChatFeature.commands)
    assert all(route.doc.endswith(".") for route in ROUTES)


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("chat:delete", {"message": "m12"}, m.Delete(12)),
        ("chat:pin", {"message": "m12"}, m.Pin(12)),
        ("chat:pin", {"message": None}, m.Pin(None)),
        ("chat:slow", {"interval_ms": 5_000}, m.SetSlow(5_000)),
        ("user:mute", {"user": "u_ana", "for_ms": 60_000}, m.MuteUser("u_ana", "viewer", 60_000)),
        ("user:mute", {"user": "u_mod", "for_ms": 60_000}, m.MuteUser("u_mod", "moderator", 60_000)),
        ("user:ban", {"user": "u_hana", "reason": " rude \x00"}, m.BanUser("u_hana", "host", "rude")),
        ("user:ban", {"user": "u_ana"}, m.BanUser("u_ana", "viewer", "")),
        ("user:unmute", {"user": "u_ana"}, m.UnmuteUser("u_ana")),
        ("user:unban", {"user": "u_ana"}, m.UnbanUser("u_ana")),
    ],
)
def test_what_is_settled(kind: str, payload: dict[str, Any], expected: msgspec.Struct):
    settled = settle(kind, payload)
    assert settled == expected
    assert type(settled) is ChatFeature.commands[kind]


def test_a_message_is_normalised_and_brings_the_shows_slow_mode():
    settled = settle("chat:send", {"text": " e\u0301 \n ok"})
    assert isinstance(settled, m.Send)
    assert (settled.text, settled.slow_ms) == ("é ok", 2_000)


@pytest.mark.parametrize(
    ("text", "role", "code"),
    [
        ("", "viewer", "empty"),
        ("x" * 501, "viewer", "too_long"),
        ("d4mn", "host", "blocked_word"),
        ("example.com", "viewer", "links_off"),
        ("example.com", "moderator", "ok"),
    ],
)
def test_a_message_may_be_refused_before_the_log(text: str, role: Role, code: str):
    settled = settle("chat:send", {"text": text}, role)
    assert (settled.code if isinstance(settled, Rejected) else "ok") == code


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("chat:send", {"text": 5}),
        ("chat:send", {"text": "x" * 4_001}),
        ("chat:send", {}),
        ("chat:delete", {"message": "12"}),
        ("chat:delete", {"message": "m0"}),
        ("chat:delete", {"message": "m١٢"}),
        ("chat:delete", {"message": "m" + "9" * 30}),
        ("chat:pin", {}),
        ("chat:slow", {"interval_ms": -1}),
        ("chat:slow", {"interval_ms": 600_001}),
        ("user:mute", {"user": "u_ana", "for_ms": 0}),
        ("user:mute", {"user": "u ana", "for_ms": 60_000}),
        ("user:mute", {"user": "u_ana", "for_ms": 10**12}),
        ("user:ban", {"user": "u_ana", "reason": "x" * 201}),
        ("user:unban", {"user": None}),
    ],
)
def test_malformed_payloads_are_no_payloads(kind: str, payload: dict[str, Any]):
    with pytest.raises(msgspec.ValidationError):
        settle(kind, payload)


def test_an_operator_may_bound_messages_otherwise():
    send = next(route for route in routes(text_max=5) if route.type == "chat:send")
    no_records: Any = None
    edge = Edge(person("Ana"), SHOW, no_records, no_records, VirtualClock())
    assert isinstance(send.settle(send.payload(show="show_1", text="12345"), edge), m.Send)
    refused = send.settle(send.payload(show="show_1", text="123456"), edge)
    assert isinstance(refused, Rejected)
    assert refused.detail == {"length": 6, "length_max": 5}
