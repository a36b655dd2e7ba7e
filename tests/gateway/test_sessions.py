"""Sessions on sockets: signing out closes within a second, also when the news is lost; tokens end; bans outlive resumes."""

import asyncio
import logging
import time

import msgspec

from tests.support.stage import QUICK, SHOW, on_stage


async def test_signing_out_closes_all_sockets_of_the_session_within_a_second():
    async with on_stage() as stage:
        ana = [await stage.connect("ana", join=True) for _ in range(2)]
        bo = await stage.connect("bo", join=True)
        began_s = asyncio.get_running_loop().time()
        stage.people.sign_out("ana")
        assert [await each.close_code() for each in ana] == [4500, 4500]
        assert asyncio.get_running_loop().time() - began_s < 1
        assert (await bo.ok("probe:say", show=SHOW, text="x"))["seq"] == 1
        assert (await (await stage.connect()).refused("hello", token="ana"))["code"] == "bad_token"


async def test_a_sign_out_nobody_heard_of_is_noticed_at_the_recheck():
    async with on_stage(msgspec.structs.replace(QUICK, recheck_ms=200)) as stage:
        ana = await stage.connect("ana", join=True)
        stage.people.sign_out("ana", heard=False)
        began_s = asyncio.get_running_loop().time()
        assert await ana.close_code() == 4500
        assert asyncio.get_running_loop().time() - began_s < 1


async def test_an_expired_token_closes():
    async with on_stage() as stage:
        stage.people.expires_ts = time.time_ns() // 1_000_000 + 300
        ana = await stage.connect("ana", join=True)
        assert await ana.close_code() == 4501


async def test_somebody_signed_out_by_a_change_of_rights_is_closed():
    async with on_stage() as stage:
        ana = await stage.connect("ana", join=True)
        stage.people.ended.add("s_ana")
        stage.people.changed("ana")
        assert await ana.close_code() == 4500


async def test_a_resume_decides_anew_what_one_is():
    async with on_stage() as stage:
        stage.people.roles["ana"] = "admin"
        ana = await stage.connect("ana", join=True)
        await ana.ok("probe:staff", show=SHOW, text="as admin")
        stage.people.roles["ana"] = "viewer"
        again = await stage.connect("ana")
        joined = await again.join(after={"epoch": 1, "seq": 0})
        assert (joined["recovered"], joined["role"]) == (True, "viewer")
        assert (await again.refused("probe:staff", show=SHOW, text="no"))["code"] == "forbidden"


async def test_the_banned_are_banned_after_a_resume():
    async with on_stage() as stage:
        banned = await stage.connect("banned", join=True)
        assert (await banned.refused("reaction:send", show=SHOW, emoji="x"))["code"] == "banned"
        again = await stage.connect("banned")
        await again.join(after={"epoch": 1, "seq": 0})
        assert (await again.refused("reaction:send", show=SHOW, emoji="x"))["code"] == "banned"


async def test_tokens_are_never_logged(caplog):
    caplog.set_level(logging.DEBUG)
    async with on_stage() as stage:
        ana = await stage.connect(additional_headers={"Cookie": "liveserver=cookiesecret"})
        await ana.refused("hello", token="123wrongsecret")
        await ana.hello("verysecrettoken")
        await ana.socket.send('{"type":"hello","payload":{"token":5}}')
        await ana.next("error")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("liveserver")]
    assert not [line for line in ours if "secret" in line]
