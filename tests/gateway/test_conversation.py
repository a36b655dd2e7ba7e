"""What a client that behaves sees: hello, joining, commands, events, in both formats."""

import asyncio

import msgspec
import pytest

from liveserver.gateway.lanes import QUIET_BURST
from liveserver.kernel.ids import UserId
from liveserver.shows.model import OnStage
from tests.support.stage import QUICK, SHOW, a_show, on_stage, until


@pytest.fixture(params=["json", "msgpack"])
def text(request):
    return request.param == "json"


async def test_hello_tells_who_one_is_and_what_the_limits_are(text):
    async with on_stage() as stage:
        ana = await stage.connect(text=text)
        told = await ana.hello("ana")
        assert told["user"] == {"id": "u_ana", "name": "Ana", "role": "viewer", "verified": True}
        assert told["heartbeat_ms"] == 20_000
        assert told["limits"]["frame_bytes_max"] == 16_384
        guest = await stage.connect(text=text)
        assert (await guest.hello())["user"]["role"] == "guest"


async def test_a_command_is_answered_and_everybody_hears_of_it(text):
    async with on_stage() as stage:
        ana = await stage.connect("ana", text=text, join=True)
        bo = await stage.connect("", text=not text, join=True)
        result = await ana.ok("probe:say", show=SHOW, text="hi")
        assert result["length"] == 2
        assert result["seq"] == 1
        for viewer in (ana, bo):
            batch = await viewer.batch()
            assert (batch["from"], batch["to"], batch["epoch"], batch["show"]) == (0, 1, 1, SHOW)
            assert batch["events"] == [
                {"type": "said", "seq": 1, "ts": result["ts"], "payload": {"text": "hi"}}
            ]


async def test_a_client_that_asks_for_no_subprotocol_speaks_json():
    async with on_stage() as stage:
        ana = await stage.connect("ana", subprotocols=None)
        assert ana.socket.subprotocol is None
        assert (await ana.join())["role"] == "viewer"


async def test_a_client_may_send_all_at_once_and_is_handled_in_order():
    async with on_stage() as stage:
        ana = await stage.connect()
        for kind, payload in (
            ("hello", {"token": "ana"}),
            ("room:join", {"show": SHOW}),
            ("probe:slow", {"show": SHOW, "text": "one"}),
            ("probe:say", {"show": SHOW, "text": "two"}),
        ):
            await ana.send(kind, **payload)
        assert [(await ana.next("ok"))["id"] for _ in range(4)] == ["c1", "c2", "c3", "c4"]
        assert stage.room.room.states["probe"].texts == ["one", "two"]


async def test_the_reply_comes_before_the_batch_that_covers_it(text):
    async with on_stage() as stage:
        ana = await stage.connect("ana", text=text, join=True)
        for number in range(20):
            await ana.send("probe:say", f"m{number}", show=SHOW, text=str(number))
        replied, covered = 0, 0
        while covered < 20:
            document = await ana.read()
            if document["type"] == "ok":
                replied = document["payload"]["seq"]
                assert replied > covered, "the batch had told it already"
            else:
                covered = document["to"]
                assert replied >= covered


async def test_joining_gives_a_snapshot_and_resuming_what_was_missed(text):
    async with on_stage() as stage:
        ana = await stage.connect("ana", text=text, join=True)
        await ana.ok("probe:say", show=SHOW, text="one")
        await ana.batch()
        bo = await stage.connect("bo", text=text)
        joined = await bo.join()
        assert joined["snapshot"]["probe"] == {"texts": ["one"], "prices": {}}
        assert joined["you"] == {"probe": {"id": "u_bo"}}
        assert (joined["epoch"], joined["seq"], joined["recovered"]) == (1, 1, False)
        await bo.ok("room:leave", show=SHOW)
        await ana.ok("probe:say", show=SHOW, text="two")
        again = await bo.join(after={"epoch": 1, "seq": 1})
        assert again["recovered"] is True
        assert [event["payload"]["text"] for event in again["events"]] == ["two"]
        assert "snapshot" not in again


async def test_a_position_of_an_earlier_epoch_gets_a_snapshot_instead():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        await ana.ok("probe:say", show=SHOW, text="one")
        assert "snapshot" in await ana.join(after={"epoch": 7, "seq": 1})


async def test_a_rebuilt_log_shows_as_a_batch_of_a_new_epoch_and_everybody_joins_again():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        await ana.ok("probe:say", show=SHOW, text="one")
        await ana.batch()
        stage.room.rebuild()
        batch = await ana.batch()
        assert (batch["epoch"], batch["events"]) == (2, [])
        joined = await ana.join(after={"epoch": 1, "seq": 1})
        assert (joined["epoch"], joined["recovered"]) == (2, False)
        await ana.ok("probe:say", show=SHOW, text="two")
        assert (await ana.batch())["epoch"] == 2


async def test_superseded_bids_of_one_batch_are_told_once():
    async with on_stage(msgspec.structs.replace(QUICK, flush_interval_ms=100)) as stage:
        ana = await stage.connect("ana", join=True)
        await ana.ok("probe:say", show=SHOW, text="wakes the lane")
        await ana.batch()
        for price in range(1, 11):
            await ana.send("bid:place", show=SHOW, lot="l1", price=price)
        await ana.ok("bid:place", show=SHOW, lot="l2", price=5)
        position, told = 1, []
        while position < 12:
            batch = await ana.batch()
            lots = [event["payload"]["lot"] for event in batch["events"]]
            assert len(lots) == len(set(lots)), "one batch tells how each lot stands, once"
            assert batch["from"] == position
            position, told = batch["to"], told + batch["events"]
        assert [event["payload"] for event in told][-2:] == [
            {"lot": "l1", "price": 10},
            {"lot": "l2", "price": 5},
        ]
        assert len(told) < 11


async def test_an_idle_room_is_told_at_once_however_long_the_interval():
    async with on_stage(msgspec.structs.replace(QUICK, flush_interval_ms=60_000)) as stage:
        ana = await stage.connect("ana", join=True)
        for seq in range(1, 2 + QUIET_BURST):
            await ana.ok("probe:say", show=SHOW, text="now")
            assert (await ana.batch())["to"] == seq


async def test_private_and_staff_events_reach_only_theirs(text):
    async with on_stage() as stage:
        host, ana, phone = [
            await stage.connect(name, text=text, join=True) for name in ("host", "ana", "ana")
        ]
        bo = await stage.connect("bo", text=text, join=True)
        await host.ok("probe:staff", show=SHOW, text="psst", to="u_ana")
        await host.ok("probe:staff", show=SHOW, text="crew", to="staff")
        await host.ok("probe:staff", show=SHOW, text="all")
        for viewer, expected in ((host, ["crew"]), (ana, ["psst"]), (phone, ["psst"]), (bo, [])):
            alone, document = [], await viewer.read()
            while document["type"] != "events":
                alone.append(document)
                document = await viewer.read()
            assert [each["payload"]["text"] for each in alone] == expected
            assert all(set(each) == {"type", "show", "ts", "payload"} for each in alone)


async def test_roles_are_checked_per_command():
    async with on_stage() as stage:
        roles = {}
        for name in ("", "ana", "mod", "host", "admin"):
            viewer = await stage.connect(name)
            roles[name] = (await viewer.join())["role"]
            staff = await viewer.reply(await viewer.send("probe:staff", show=SHOW, text="x"))
            bid = await viewer.reply(await viewer.send("bid:place", show=SHOW, lot=f"l{name}", price=1))
            allowed = (staff["type"] == "ok", bid["type"] == "ok")
            assert allowed == (name in ("host", "admin"), name != "")
            if name == "":
                assert bid["payload"]["code"] == staff["payload"]["code"] == "sign_in_required"
            elif not allowed[0]:
                assert staff["payload"]["code"] == "forbidden"
        assert roles == {"": "guest", "ana": "viewer", "mod": "moderator", "host": "host", "admin": "admin"}


async def test_refusals_say_code_and_whether_to_try_again():
    async with on_stage(msgspec.structs.replace(QUICK, rooms_per_connection_max=1)) as stage:
        ana = await stage.connect("ana")
        assert (await ana.refused("probe:say", show=SHOW, text="x"))["code"] == "not_joined"
        assert (await ana.refused("room:join", show="show_9"))["code"] == "no_show"
        assert (await ana.refused("room:join", show="show_without_log"))["code"] == "no_show"
        await ana.join()
        assert (await ana.refused("room:join", show="show_2"))["code"] == "too_many_rooms"
        assert (await ana.refused("probe:say", show=SHOW, text=""))["code"] == "empty"
        assert (await ana.refused("hello"))["code"] == "hello_twice"
        await ana.ok("bid:place", show=SHOW, lot="l1", price=5)
        low = await ana.refused("bid:place", show=SHOW, lot="l1", price=5)
        assert (low["code"], low["retryable"], low["detail"]) == ("bid_too_low", False, {"min_next": 6})
        assert low["seq"] == 2
        stage.room.away = True
        away = await ana.refused("bid:place", show=SHOW, lot="l1", price=6)
        assert (away["code"], away["retryable"]) == ("unavailable", True)


async def test_hello_comes_first():
    async with on_stage() as stage:
        ana = await stage.connect()
        assert (await ana.refused("room:join", show=SHOW))["code"] == "hello_first"
        assert (await ana.hello("ana"))["user"]["name"] == "Ana"


async def test_a_named_client_numbers_its_commands_and_gets_the_first_verdict_again():
    async with on_stage() as stage:
        ana = await stage.connect()
        await ana.hello("ana", client="phone1")
        await ana.join()
        assert (await ana.refused("probe:say", "nonumber", show=SHOW, text="x"))["code"] == "bad_id"
        first = await ana.ok("bid:place", "c7", show=SHOW, lot="l1", price=5)
        laptop = await stage.connect()
        await laptop.hello("ana", client="phone1")
        await laptop.join()
        again = await laptop.ok("bid:place", "c7", show=SHOW, lot="l1", price=5)
        assert again["rtt_ms"] == first["rtt_ms"]
        assert [command.number for command in stage.room.submitted] == [7, 7]
        assert {command.client for command in stage.room.submitted} == {"phone1"}


async def test_messages_without_an_id_are_not_answered_unless_refused():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        await ana.send_raw({"type": "probe:say", "payload": {"show": SHOW, "text": "x"}})
        await ana.send_raw({"type": "probe:say", "payload": {"show": SHOW, "text": ""}})
        assert (await ana.read())["type"] == "error"
        assert (await ana.read())["type"] == "events"


async def test_clocks_are_compared_with_the_shows_time():
    async with on_stage() as stage:
        ana = await stage.connect("ana")
        node = await ana.ok("clock:sync", t0=12.5)
        assert node["t0"] == 12.5
        await ana.join()
        assert (
            (await ana.ok("clock:sync", t0=1))["server_now"] == stage.room.server_now() != node["server_now"]
        )


async def test_reactions_are_counted_and_the_banned_do_not_react():
    async with on_stage() as stage:
        ana, banned = [await stage.connect(name, join=True) for name in ("ana", "banned")]
        await ana.ok("reaction:send", show=SHOW, emoji="🔥")
        assert (await banned.refused("reaction:send", show=SHOW, emoji="🔥"))["code"] == "banned"
        assert (await ana.refused("reaction:send", show="show_2", emoji="🔥"))["code"] == "not_joined"
        assert stage.presence.reactions == [(SHOW, "🔥")]


async def test_latest_values_are_told_once_a_tick_and_to_newcomers(text):
    async with on_stage(msgspec.structs.replace(QUICK, state_interval_ms=50)) as stage:
        ana = await stage.connect("ana", text=text, join=True)
        for count in range(1, 50):
            stage.presence.say(SHOW, "viewer:count", {"count": count})
        first = await ana.next("viewer:count")
        assert set(first) == {"type", "show", "ts", "payload"}
        assert first["payload"] == {"count": 49}
        stage.presence.say(SHOW, "reaction:burst", {"counts": {"🔥": 3}})
        assert (await ana.read())["payload"] == {"counts": {"🔥": 3}}
        bo = await stage.connect("bo", text=text, join=True)
        assert (await bo.read())["payload"] == {"count": 49}


async def test_presence_counts_joins_and_leaves_once():
    async with on_stage() as stage:
        ana, bo = [await stage.connect(name, join=True) for name in ("ana", "bo")]
        await ana.join()
        assert stage.presence.counts[SHOW] == 2
        await ana.ok("room:leave", show=SHOW)
        await ana.ok("room:leave", show=SHOW)
        assert stage.presence.counts[SHOW] == 1
        await bo.socket.close()
        await until(lambda: stage.presence.counts[SHOW] == 0)


async def test_a_new_moderator_is_one_in_the_room_they_are_in():
    async with on_stage() as stage:
        stage.people.roles["ana"] = "host"
        ana = await stage.connect("ana", join=True)
        stage.shows.records[SHOW] = a_show(host="u_ana")
        await stage.gateway.rooms.refresh()
        assert (await ana.next("you:changed"))["payload"]["role"] == "host"
        await ana.ok("probe:staff", show=SHOW, text="mine now")
        stage.shows.records[SHOW] = a_show()
        await stage.gateway.rooms.refresh()
        assert (await ana.refused("probe:staff", show=SHOW, text="no more"))["code"] == "forbidden"


async def test_viewers_hear_who_is_on_stage_and_newcomers_hear_it_on_joining():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        camera = OnStage(UserId("u_host"), "Host", ("camera", "microphone"), 1_000)
        stage.shows.records[SHOW] = a_show(stage=(camera,))
        await stage.gateway.rooms.refresh()
        told = (await ana.next("stage:live"))["payload"]
        assert told == {
            "people": [
                {"id": "u_host", "name": "Host", "sources": ["camera", "microphone"], "since_ts": 1_000}
            ]
        }
        bo = await stage.connect("bo", join=True)
        assert (await bo.next("stage:live"))["payload"] == told
        stage.shows.records[SHOW] = a_show()
        await stage.gateway.rooms.refresh()
        assert (await ana.next("stage:off"))["payload"] == {}
        assert (await bo.next("stage:off"))["payload"] == {}


async def test_someone_newly_verified_is_so_at_once():
    async with on_stage() as stage:
        stage.people.verified = False
        ana = await stage.connect("ana", join=True)
        stage.people.verified = True
        stage.people.changed("ana")
        assert (await ana.next("you:changed"))["payload"] == {"role": "viewer", "verified": True}
        await ana.ok("bid:place", show=SHOW, lot="l1", price=1)
        assert stage.room.submitted[-1].actor.verified


async def test_many_who_join_a_closed_room_at_once_open_it_once():
    async with on_stage() as stage:
        stage.shows.gate = asyncio.Event()
        viewers = [await stage.connect("") for _ in range(5)]
        ids = [await viewer.send("room:join", show=SHOW) for viewer in viewers]
        stage.shows.gate.set()
        for viewer, message_id in zip(viewers, ids, strict=True):
            assert (await viewer.reply(message_id))["type"] == "ok"
        assert len(stage.room.submitted) == 0
        assert len(stage.hub.rooms) == 1
        assert stage.presence.counts[SHOW] == 5


async def test_draining_sends_everybody_elsewhere_and_takes_nobody_new():
    async with on_stage() as stage:
        viewers = [await stage.connect("", join=True) for _ in range(3)]
        draining = asyncio.create_task(stage.gateway.drain())
        assert [await viewer.close_code() for viewer in viewers] == [4000] * 3
        assert viewers[0].socket.close_reason == "draining 5000"
        await draining
        assert stage.gateway.stats.connections == 0
        late = await stage.connect()
        assert await late.close_code() == 4000


async def test_row_24_viewers_of_a_room_that_this_node_cannot_read_are_sent_elsewhere():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        stage.room.halt()
        assert await ana.close_code() == 4008
        late = await stage.connect("bo")
        await late.send("room:join", show=SHOW)
        assert await late.close_code() == 4008
