"""Nodes that were given different settings say so, without telling any of them."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from liveserver.cli import agreement as agreement_module
from liveserver.cli.agreement import AGREED, FINGERPRINT_CHARS, Agreement, fingerprints
from liveserver.config import Settings
from liveserver.config.settings import SETTINGS
from liveserver.nodes.model import NodeCard
from liveserver.nodes.service import Nodes

SECRET = "a secret of at least thirty-two bytes"


@pytest.fixture(autouse=True)
def _at_every_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement_module, "BEATS", 1)


def node(pool, name: str, settings: Settings, kind: Any = "serving") -> tuple[Nodes, Agreement]:
    nodes = Nodes(pool, NodeCard(id=name, kind=kind, release="1", log_version=1, kinds=()))
    agreement = Agreement(settings, nodes)
    nodes.tell(agreement.told_with(dict))
    return nodes, agreement


async def test_nodes_with_the_same_settings_have_nothing_to_say(pool):
    (one, first), (two, second) = node(pool, "one", Settings()), node(pool, "two", Settings(port=9000))
    await one.start()
    await two.start()
    with capture_logs() as said:
        await first.look()
        await second.look()
    assert (first.differs, second.differs, said) == ({}, {}, [])
    await one.aclose()
    await two.aclose()


async def test_a_node_with_another_secret_is_named_once_and_forgotten_when_it_is_gone(pool):
    (one, first), (two, _) = (
        node(pool, "one", Settings()),
        node(pool, "two", Settings(jwt_secret=SECRET, hammer_ms=5)),
    )
    (rec, _) = node(pool, "rec", Settings(hammer_ms=9), kind="recorder")
    for nodes in (one, two, rec):
        await nodes.start()
    with capture_logs() as said:
        await first.look()
        await first.look()
    assert first.differs == {"two": ("jwt_secret", "hammer_ms")}
    assert [(line["event"], line["settings"], line["nodes"]) for line in said] == [
        ("settings_differ", ["hammer_ms", "jwt_secret"], ["two"])
    ]
    await two.say_draining()
    with capture_logs() as said:
        await first.look()
    assert (first.differs, [line["event"] for line in said]) == ({}, ["settings_agree"])
    for nodes in (one, two, rec):
        await nodes.aclose()


def test_fingerprints_differ_by_setting_and_tell_nothing():
    told = fingerprints(Settings(jwt_secret=SECRET))
    assert set(told) == set(AGREED) <= SETTINGS.keys()
    assert all(len(mark) == FINGERPRINT_CHARS for mark in told.values())
    assert told["jwt_secret"] != fingerprints(Settings(jwt_secret=SECRET + "!"))["jwt_secret"]
