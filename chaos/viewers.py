"""Somebody who watches, and remembers what came: every batch, resume and snapshot as the wire brought it, and when.

It does not judge (`audit` does) and keeps no picture of the show; the protocol's own client decides when to join again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from liveserver.client.codecs import Codec, Format
from liveserver.client.dial import dial
from liveserver.client.happenings import JoinRefused
from liveserver.client.protocol import ClientProtocol
from liveserver.client.retry import delay_ms, spread_ms

SPANS_MAX = 500_000
"""More would mean that a run was meant to last for days."""
TICK_S = 0.5


class Span(msgspec.Struct, frozen=True):
    """What one message covered: all events of the epoch behind `after` up to `to`."""

    at_s: float
    epoch: int
    after: int
    to: int
    events: list[dict[str, Any]]
    resumed: bool
    """The answer to a join rather than a batch."""
    repeated: int
    """Events in it that this viewer already had, on a connection that had brought them."""


class Reset(msgspec.Struct, frozen=True):
    """A snapshot instead of events: all before `seq` is in it."""

    at_s: float
    epoch: int
    seq: int


class Viewer:
    """One guest. `run` until cancelled."""

    def __init__(self, name: str, urls: Sequence[str], show: str, codec: Format, random: Random) -> None:
        self.name = name
        self.heard: list[Span | Reset] = []
        self.losses = 0
        self._urls = deque(urls)
        self._show = show
        self._codec = Codec(codec)
        self._random = random
        self._protocol = ClientProtocol(name)
        self._refused = False
        """The last join was: it is asked for again at the next tick."""
        self._joined = False
        """Nothing came since the last join: a batch that was on its way then may repeat what the join brought."""

    @property
    def epoch(self) -> int:
        return self._protocol.places[self._show].epoch or 0

    @property
    def seq(self) -> int:
        """Everything up to here has come."""
        return self._protocol.places[self._show].seq

    @property
    def longest_silence_s(self) -> float:
        """Longest time between two things heard."""
        times = [one.at_s for one in self.heard]
        return max((after - before for before, after in pairwise(times)), default=0.0)

    async def run(self) -> None:
        """Watches, and comes back after each loss: to the next node."""
        attempt = 0
        self._protocol.join(self._show, _now_ms())
        while True:
            ws = await dial(self._urls[0], self._codec, None)
            spread = 0
            if isinstance(ws, ClientConnection):
                began_s = time.monotonic()
                spread = await self._watch(ws)
                self.losses += 1
                if time.monotonic() - began_s > 5:
                    attempt = 0
            self._urls.rotate(-1)
            await asyncio.sleep(delay_ms(attempt, self._random, spread) / 1000)
            attempt += 1

    async def _watch(self, ws: ClientConnection) -> int:
        """Until the connection is lost; the spread that the server asked for in ms."""
        protocol = self._protocol
        ticking = asyncio.create_task(self._tick(ws))
        try:
            async with ws:
                protocol.connected(_now_ms())
                await self._send(ws)
                while True:
                    message = self._codec.decode(await ws.recv(decode=False))
                    self._note(message)
                    await self._send(ws)
        except ConnectionClosed:
            return spread_ms(ws.close_reason or "")
        finally:
            ticking.cancel()
            await asyncio.wait({ticking})
            protocol.disconnected()

    async def _tick(self, ws: ClientConnection) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._protocol.expire(_now_ms())
            if self._refused:
                self._refused = False
                self._protocol.rejoin(self._show, _now_ms())
            await self._send(ws)

    async def _send(self, ws: ClientConnection) -> None:
        for message in self._protocol.outgoing():
            await ws.send(self._codec.encode(message), text=self._codec.text)

    def _note(self, message: dict[str, Any]) -> None:
        place = self._protocol.places[self._show]
        before, joining = place.seq, place.joining
        self._protocol.received(message, _now_ms())
        for happening in self._protocol.happened():
            self._refused = self._refused or isinstance(happening, JoinRefused)
        payload: dict[str, Any] = message.get("payload") or {}
        if message["type"] == "events" and place.seq > before and not place.joining:
            fresh = [event for event in message["events"] if event["seq"] > before]
            repeated = 0 if self._joined else len(message["events"]) - len(fresh)
            self._joined = False
            self._add(Span(time.monotonic(), place.epoch or 0, before, place.seq, fresh, False, repeated))
        elif message["type"] == "ok" and joining and message["id"] == joining:
            self._joined = True
            if payload.get("snapshot") is not None:
                self._add(Reset(time.monotonic(), place.epoch or 0, place.seq))
            else:
                events = payload.get("events") or []
                self._add(Span(time.monotonic(), place.epoch or 0, before, place.seq, events, True, 0))

    def _add(self, one: Span | Reset) -> None:
        assert len(self.heard) < SPANS_MAX, "a crowd watches for minutes, not for days"
        self.heard.append(one)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
