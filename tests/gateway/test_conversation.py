"""What a client that behaves sees: hello, joining, commands, events, in both formats."""

import pytest

from tests.support.stage import SHOW, on_stage


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
