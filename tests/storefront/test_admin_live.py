"""The operator's page: who sees it, what it tells, and which alarms what comes to."""

from typing import Any

import msgspec
import pytest

from storefront.alarms import ALARMS
from storefront.operating import EngineDocument, NodeDocument, ShowDocument, alarms_of
from tests.support.storefront import Shop

NODE = NodeDocument("node_1", "serving", "1.0", "3.11", "http://a", 0, 100, False, 5, 1, 10, 1, 0, True)
RECORDER = msgspec.structs.replace(NODE, id="recorder_1", kind="recorder")
SHOW = ShowDocument("show_1", "Cameras", 7, 2, 100, 1, 0, 0, "")
ENGINE = EngineDocument("redis", 2, 2, 0.5, 0, 0.0)


def names(
    *changed: Any,
    node: dict[str, Any] | None = None,
    show: dict[str, Any] | None = None,
    engine: dict[str, Any] | None = None,
    epochs: set[int] | None = None,
    **settings: Any,
) -> list[str]:
    """The alarms of a deployment that is well but for these changes."""
    change = msgspec.structs.replace
    found = alarms_of(
        changed or (change(NODE, **(node or {})), RECORDER),
        [change(SHOW, **(show or {}))],
        [change(ENGINE, **(engine or {}))],
        {"show_1": epochs or {1}},
        **{"recorder": True, "unrecorded_max": 1_000, "connections_max": 100, **settings},
    )
    return [alarm.name for alarm in found]


def test_nothing_is_alarming_when_all_is_well():
    assert names() == []


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        ({"engine": {"answers": 1}}, "EngineAway"),
        ({"engine": {"ahead_ms": 501}}, "ClockApart"),
        ({"engine": {"ahead_ms": -501}}, "ClockApart"),
        ({"show": {"halted": "two entries end at 7"}}, "RoomHalted"),
        ({"show": {"lag_ms": 10_001, "unrecorded": 1}}, "RecordingBehind"),
        ({"show": {"unrecorded": 501}}, "RecordingBehind"),
        ({"epochs": {1, 2}}, "NodesDisagree"),
        ({"node": {"silent_ms": 2_501}}, "NodeSilent"),
        ({"node": {"late_ms": 251}}, "LoopLate"),
        ({"node": {"connections": 91}}, "NodeFull"),
        ({"node": {"release": "2.0"}}, "ReleasesMixed"),
        ({"node": {"python": "3.13"}}, "ReleasesMixed"),
    ],
)
def test_each_trouble_is_told_by_its_name(change, alarm):
    assert names(**change) == [alarm]


def test_a_missing_recorder_is_told_only_where_one_is_meant_to_run():
    assert names(NODE) == ["RecorderMissing"]
    assert names(NODE, recorder=False) == []


@pytest.mark.parametrize(
    "change",
    [
        {"engine": {"ahead_ms": 500}},
        {"show": {"lag_ms": 10_000, "unrecorded": 500}},
        {"node": {"silent_ms": 2_500, "late_ms": 250, "connections": 90}},
    ],
)
def test_the_bounds_themselves_are_no_alarm(change):
    assert names(**change) == []


def test_critical_alarms_come_first():
    found = names(node={"late_ms": 999}, show={"halted": "x"})
    assert found == ["RoomHalted", "LoopLate"]


def test_every_alarm_says_what_it_means_and_what_to_do():
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS)
    for alarm in ALARMS:
        assert min(len(alarm.means), len(alarm.people), len(alarm.todo)) > 20, alarm.name


async def test_the_page_is_for_admins(shop: Shop):
    expected = {"viewer": 403, "host": 403, "admin": 200}
    for role, status in expected.items():
        person = await shop.person(f"Vera {role}", role)
        assert (await person.browser.get("/admin/live")).status == status, role
        linked = 'href="/admin/live"' in await (await person.browser.get("/")).text()
        assert linked == (role == "admin"), role
    guest = await shop.browser().get("/admin/live")
    assert guest.url.path == "/sign-in", "and back here afterwards"


async def test_it_tells_of_this_node_and_of_a_live_show(shop: Shop):
    admin, host = await shop.person("Ada", "admin"), await shop.person("Hanna", "host")
    show = await shop.live_show(host, "Cameras & <b>lenses</b>")
    hub = shop.services.hub
    shop.services.nodes.tell(
        lambda: {
            "connections": 12,
            "shows": [
                {"show": show.id, "viewers": 9, "seq": 41, "epoch": 1, "unrecorded": 3, "lag_ms": 20_000}
            ],
            "engines": [{"name": "redis", "answer_ms": 0.4}],
        }
    )
    await shop.services.nodes._beat()
    live = await (await admin.api("GET", "/admin/live")).json()
    assert [(node["id"], node["connections"], node["here"]) for node in live["nodes"]] == [
        (hub.node, 12, True)  # type: ignore[attr-defined] # the real hub's
    ]
    (row,) = live["shows"]
    assert (row["title"], row["viewers"], row["seq"]) == ("Cameras & <b>lenses</b>", 9, 41)
    assert [(engine["name"], engine["answers"]) for engine in live["engines"]] == [("redis", 1)]
    assert [alarm["name"] for alarm in live["alarms"]] == ["RecordingBehind", "RecorderMissing"]
    assert live["registry"] is True

    page = await (await admin.browser.get("/admin/live")).text()
    for shown in (
        "Cameras &amp; &lt;b&gt;lenses&lt;/b&gt;",
        hub.node,  # type: ignore[attr-defined] # as above
        "RecordingBehind",
        "20 s old",
    ):
        assert shown in page


async def test_a_beat_of_another_release_is_shown_as_far_as_it_is_understood(shop: Shop):
    admin = await shop.person("Ada", "admin")
    shop.services.nodes.tell(lambda: {"connections": "many"})
    await shop.services.nodes._beat()
    live = await (await admin.api("GET", "/admin/live")).json()
    assert [node["connections"] for node in live["nodes"]] == [0]
    page = await (await admin.browser.get("/admin/live")).text()
    assert "No show is followed by any node" in page
