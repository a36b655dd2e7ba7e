"""LiveKit's messages: which are believed, that each counts once, and what they make of the stage, in whatever order they come."""

import itertools
import time

import pytest

from liveserver.livekit.stage import DROPPED_AT_ONCE, KEPT_MS, TRACKS_MAX
from tests.livekit.conftest import Sdk
from tests.support.livekit import as_sent, message, signed
from tests.support.storefront import Person, Shop


async def sent(shop: Shop, told: dict | bytes, authorization: str | None = None) -> tuple[int, str]:
    body = told if isinstance(told, bytes) else as_sent(told)
    header = signed(body) if authorization is None else authorization
    answer = await shop.browser().post(
        "/api/v1/webhooks/livekit",
        data=body,
        headers={"Authorization": header, "Content-Type": "application/webhook+json"},
    )
    return answer.status, "" if answer.status == 204 else (await answer.json())["code"]


async def on_stage(shop: Shop, show: str) -> list[tuple[str, list[str]]]:
    document = await (await shop.browser().get(f"/api/v1/livestreams/{show}")).json()
    return [(one["id"], one["sources"]) for one in document["stage"]]


@pytest.fixture
async def host(stage: Shop) -> Person:
    return await stage.person("Hanna", "host")


@pytest.fixture
async def show(stage: Shop, host: Person) -> str:
    return (await stage.live_show(host)).id


async def test_what_livekits_own_sdk_signs_is_believed(stage: Shop, host: Person, show: str, sdk: Sdk):
    told = as_sent(message("track_published", show, person=host.id, track="TR_1"))
    made = sdk.ask(sign=told.decode())
    assert made["event"] == "track_published"
    assert await sent(stage, told, made["authorization"]) == (204, "")
    assert await on_stage(stage, show) == [(host.id, ["camera"])]


async def test_the_stage_follows_cameras_and_microphones(stage: Shop, host: Person, show: str):
    assert await on_stage(stage, show) == []
    await sent(stage, message("room_started", show))
    await sent(stage, message("participant_joined", show, person=host.id))
    assert await on_stage(stage, show) == []
    await sent(stage, message("track_published", show, person=host.id, track="TR_1", source="MICROPHONE"))
    await sent(stage, message("track_published", show, person=host.id, track="TR_2", source="SCREEN_SHARE"))
    await sent(stage, message("track_published", show, person=host.id, track="TR_3", source="SCREEN_SHARE_AUDIO"))  # fmt: skip
    assert await on_stage(stage, show) == [(host.id, ["microphone", "screen"])]
    await sent(stage, message("track_unpublished", show, person=host.id, track="TR_1"))
    assert await on_stage(stage, show) == [(host.id, ["screen"])]
    await sent(stage, message("participant_left", show, person=host.id))
    assert await on_stage(stage, show) == []


async def test_the_end_of_a_room_clears_the_stage_and_only_that_ones(stage: Shop, host: Person, show: str):
    await sent(stage, message("track_published", show, person=host.id, track="TR_1", room="RM_1"))
    await sent(stage, message("track_published", show, person=host.id, track="TR_2", room="RM_2"))
    await sent(stage, message("room_finished", show, room="RM_1"))
    assert await on_stage(stage, show) == [(host.id, ["camera"])]
    await sent(stage, message("room_finished", show, room="RM_2"))
    assert await on_stage(stage, show) == []


async def test_messages_in_any_order_and_repeated_leave_the_same_stage(stage: Shop, host: Person):
    story = [
        ("track_published", {"person": host.id, "track": "TR_1", "session": "PA_1"}),
        ("participant_left", {"person": host.id, "session": "PA_1"}),
        ("track_published", {"person": host.id, "track": "TR_2", "session": "PA_2", "source": "MICROPHONE"}),
        ("track_unpublished", {"person": host.id, "track": "TR_3", "session": "PA_2"}),
        ("track_published", {"person": host.id, "track": "TR_3", "session": "PA_2"}),
    ]
    for number, order in enumerate(itertools.permutations(range(len(story)))):
        if number % 7:
            continue
        show = (await stage.show(host)).id
        told = [message(story[at][0], show, **story[at][1]) for at in order]
        for one in (*told, *reversed(told)):
            assert await sent(stage, one) == (204, "")
        assert await on_stage(stage, show) == [(host.id, ["microphone"])], order


async def test_a_message_counts_once_even_if_it_is_sent_again_later(stage: Shop, host: Person, show: str):
    published = message("track_published", show, person=host.id, track="TR_1")
    body = as_sent(published)
    authorization = signed(body)
    await sent(stage, body, authorization)
    await stage.services.pool.execute("DELETE FROM stage_tracks")  # as if it had ended without a word of it
    assert await sent(stage, body, authorization) == (204, "")
    assert await stage.services.pool.fetchval("SELECT count(*) FROM stage_tracks") == 0
    assert await stage.services.pool.fetchval("SELECT count(*) FROM livekit_events") == 1


now_s = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"secret": "another secret, also long enough for it"},
        {"iss": "APIother"},
        {"iss": None},
        {"sha256": None},
        {"sha256": "AAAA"},
        {"sha256": "not base64!"},
        {"exp": None},
        {"exp": now_s - 120},
        {"nbf": now_s + 7_200, "exp": now_s + 7_500},
        {"exp": now_s + 30 * 86_400},
    ],
    ids=lambda claims: next(iter(claims.items()))[0],
)
async def test_what_is_not_rightly_signed_is_refused(stage: Shop, host: Person, show: str, claims):
    body = as_sent(message("track_published", show, person=host.id, track="TR_1"))
    assert await sent(stage, body, signed(body, **claims)) == (400, "bad_signature")
    assert await on_stage(stage, show) == []


async def test_clocks_may_differ_by_less_than_a_minute(stage: Shop, host: Person, show: str):
    now = int(time.time())
    for claims in ({"nbf": now + 40, "exp": now + 300}, {"nbf": now - 300, "exp": now - 40}):
        body = as_sent(message("room_started", show))
        assert await sent(stage, body, signed(body, **claims)) == (204, "")
    late = as_sent(message("room_started", show))
    assert await sent(stage, late, signed(late, exp=now - 80)) == (400, "bad_signature")


async def test_a_changed_body_is_refused(stage: Shop, host: Person, show: str):
    body = as_sent(message("track_published", show, person=host.id, track="TR_1"))
    assert await sent(stage, body.replace(b"TR_1", b"TR_2"), signed(body)) == (400, "bad_signature")
    assert await sent(stage, body + b" ", signed(body)) == (400, "bad_signature")
    assert await sent(stage, body, "") == (400, "bad_signature")
    assert await sent(stage, body, "x" * 5_000) == (400, "bad_signature")


async def test_a_viewers_own_token_signs_nothing(stage: Shop, host: Person, show: str):
    ana = await stage.person("Ana")
    token = (await (await ana.api("POST", "/livekit/token", json={"show": show})).json())["token"]
    body = as_sent(message("track_published", show, person=ana.id, track="TR_1"))
    assert await sent(stage, body, token) == (400, "bad_signature")


@pytest.mark.parametrize("body", [b"", b"no json", b"\xff\xfe", b"[]", b'{"event": 7}', b'{"room": "x"}'])
async def test_signed_nonsense_is_refused(stage: Shop, body: bytes):
    assert await sent(stage, body, signed(body)) in {(400, "bad_signature"), (422, "bad_event")}


async def test_messages_without_an_id_or_with_overlong_names_are_refused(stage: Shop, show: str):
    assert await sent(stage, message("room_finished", show, id="")) == (422, "bad_event")
    assert await sent(stage, message("room_finished", show, room="R" * 200)) == (422, "bad_event")
    assert await sent(stage, message("room_finished", "a\0b")) == (422, "bad_event")


async def test_rooms_and_kinds_that_are_not_ours_are_passed_over(stage: Shop, host: Person, show: str):
    for told in (
        message("track_published", "somebody-elses", person=host.id, track="TR_1"),
        message("track_published", "no id at all", person=host.id, track="TR_1"),
        message("egress_started", show),
        message("track_published", show, person="no id at all", track="TR_9"),
    ):
        assert await sent(stage, told) == (204, "")
    assert await on_stage(stage, show) == []


async def test_thousands_who_only_watched_leave_no_rows(stage: Shop, host: Person, show: str):
    for number in range(5):
        await sent(stage, message("participant_left", show, person=f"usr_{number}", publisher=False))
    assert await stage.services.pool.fetchval("SELECT count(*) FROM livekit_events") == 0
    await sent(stage, message("participant_left", show, person=host.id, publisher=True))
    assert await stage.services.pool.fetchval("SELECT count(*) FROM livekit_events") == 1


async def test_the_stage_has_its_bounds(stage: Shop, host: Person, show: str):
    for number in range(TRACKS_MAX + 5):
        name, track = "N" * 90, f"TR_{number}"
        told = message("track_published", show, person=f"usr_{number}", track=track, name=name)
        assert await sent(stage, told) == (204, "")
    assert len(await on_stage(stage, show)) == TRACKS_MAX


async def test_old_messages_are_forgotten_a_few_at_a_time(stage: Shop, host: Person, show: str):
    pool, old_ts = stage.services.pool, int(time.time() * 1000) - KEPT_MS - 1
    await pool.execute(
        "INSERT INTO livekit_events SELECT 'old_' || n, $1, 'x', '', $2 FROM generate_series(1, $3) AS n",
        show,
        old_ts,
        DROPPED_AT_ONCE + 1,
    )
    await sent(stage, message("room_finished", show))
    assert await pool.fetchval("SELECT count(*) FROM livekit_events WHERE received_ts = $1", old_ts) == 1


async def test_without_keys_no_message_is_taken(with_settings, shop_with):
    shop = await shop_with(with_settings())
    assert await sent(shop, message("room_finished", "show_1")) == (503, "livekit_not_configured")
