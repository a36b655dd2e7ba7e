"""Subscriptions on which nothing happens for a long time."""

import asyncio

import pytest

from liveserver.infra import channels
from liveserver.infra.channels import Channels
from liveserver.infra.shards import Shards


async def test_a_quiet_channel_is_still_heard_after_its_connection_was_asked_whether_it_lives(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(channels, "POLL_S", 0.02)
    shards = await Shards.connect(redis_url)
    listening = Channels(shards)
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    losses = 0

    def missed() -> None:
        nonlocal losses
        losses += 1

    try:
        await listening.subscribe("ls:{a}:bus", heard.put_nowait, missed)
        for word in (b"one", b"two"):
            await asyncio.sleep(0.2)  # ten silences long
            await shards.of("ls:{a}:bus").general.execute_command("SPUBLISH", "ls:{a}:bus", word)
            async with asyncio.timeout(5):
                assert await heard.get() == word
        assert losses == 0
    finally:
        await listening.aclose()
        await shards.aclose()
