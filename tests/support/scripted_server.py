"""A server double for clients: the wire contract over real sockets, with faults on demand. Written from the contract alone,
with other libraries than the client's codecs, so that both can't be wrong in the same way. It knows one show and no rules.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgpack
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

SHOW = "show_1"
LOT = {"lot": "lot_1", "title": "Leica M3", "status": "open", "price": None, "min_next": 1_000}


def _blank() -> dict[str, Any]:
    return {
        "show": {"status": "live", "started_at": 1, "ended_at": None},
        "auction": {"current": "lot_1", "lots": {"lot_1": dict(LOT)}},
        "chat": {"messages": [], "pinned": None, "slow_ms": 0},
        "spotlight": {"product": None},
    }


class Peer:
    """One connection."""

    def __init__(self, ws: ServerConnection) -> None:
        self.ws = ws
        self.client = ""
        self.name = "guest"
        self.flushed: int | None = None
        """The batch position of this connection; None: not in the room."""

    async def send(self, message: dict[str, Any]) -> None:
        text = self.ws.subprotocol == "live.v1.json"
        await self.ws.send(json.dumps(message) if text else msgpack.packb(message))


class ScriptedServer:
    """Faults: `cut_at[type]` cuts the connection once when such a message comes, before (`+1`: after) it counted;
    `lose_batches` eats so many batches; `refuse_join` answers joins; `close_all`, `rebuild`."""

    def __init__(self) -> None:
        self.url = ""
        self.epoch = 1
        self.view = _blank()
        self.log: list[dict[str, Any]] = []
        self.seq = 0
        self.kept_from = 0
        self.peers: list[Peer] = []
        self.received: Counter[str] = Counter()
        self.hellos: list[dict[str, Any]] = []
        self.cut_before: set[str] = set()
        self.cut_after: set[str] = set()
        self.silent_about: set[str] = set()
        self.lose_batches = 0
        self.draining = 0
        """So many connections are still closed before they are greeted, as by a server that stops."""
        self.refuse_joins: list[dict[str, Any]] = []
        self.verdicts: dict[tuple[str, str], dict[str, Any]] = {}
        self.counted: list[str] = []
        """Texts and amounts that were accepted, in order."""
        self.server: Server | None = None

    async def handle(self, ws: ServerConnection) -> None:
        peer = Peer(ws)
        self.peers.append(peer)
        try:
            async for data in ws:
                message = json.loads(data) if isinstance(data, str) else msgpack.unpackb(data)
                await self._message(peer, message)
        except ConnectionClosed:
            pass
        finally:
            self.peers.remove(peer)

    async def _message(self, peer: Peer, message: dict[str, Any]) -> None:
        kind, id_, payload = message["type"], message["id"], message["payload"]
        self.received[kind] += 1
        if kind == "hello" and self.draining:
            self.draining -= 1
            await peer.ws.close(4000, "draining 20")
            return
        if kind in self.cut_before:
            self.cut_before.remove(kind)
            peer.ws.transport.abort()
            return
        reply = self._reply(peer, kind, id_, payload)
        if kind in self.cut_after:
            self.cut_after.remove(kind)
            peer.ws.transport.abort()
        elif kind not in self.silent_about:
            await peer.send({**reply, "id": id_})
        await self.flush()

    def _reply(self, peer: Peer, kind: str, id_: str, payload: dict[str, Any]) -> dict[str, Any]:
        match kind:
            case "hello":
                self.hellos.append(payload)
                if payload.get("token") == "bad":
                    return self._error("bad_token")
                peer.client, peer.name = payload["client"], payload.get("token", "guest")
                return self._ok(
                    session="s", user={"id": peer.name}, server_now=now(), heartbeat_ms=20_000, limits={}
                )
            case "clock:sync":
                return self._ok(t0=payload["t0"], server_now=now())
            case "room:join":
                if self.refuse_joins:
                    return self.refuse_joins.pop(0)
                return self._join(peer, payload)
            case "room:leave":
                peer.flushed = None
                return self._ok()
            case _:
                key = (peer.client, id_)
                if key not in self.verdicts:
                    self.verdicts[key] = self._decide(peer, kind, payload)
                return self.verdicts[key]

    def _join(self, peer: Peer, payload: dict[str, Any]) -> dict[str, Any]:
        peer.flushed = self.seq
        after = payload.get("after")
        common = {"epoch": self.epoch, "seq": self.seq, "role": "viewer", "you": {}, "server_now": now()}
        if after and after["epoch"] == self.epoch and self.kept_from <= after["seq"] <= self.seq:
            missed = [e for e in self.log if e["seq"] > after["seq"]]
            return self._ok(**common, recovered=True, events=missed)
        return self._ok(**common, recovered=False, snapshot=json.loads(json.dumps(self.view)))

    def _decide(self, peer: Peer, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        if kind == "chat:send":
            self.counted.append(payload["text"])
            message = {
                "id": f"m{self.seq + 1}",
                "user": {"id": peer.name, "name": peer.name},
                "message": payload["text"],
            }
            self.append("chat:new", message | {"text": payload["text"]})
            return self._ok(seq=self.seq, ts=now(), id=f"m{self.seq}")
        if kind == "bid:place":
            if payload["amount"] > 100_000 and "confirm" not in payload:
                return self._error("confirm_bid", token="yes-really", min_next=1_000)
            self.counted.append(f"{payload['amount']}")
            return self._ok(
                seq=self.seq,
                ts=now(),
                lot=payload["lot"],
                leading=True,
                price=payload["amount"],
                max=payload["amount"],
                min_next=1_100,
                ends_at=now(),
            )
        return self._error("unknown_type")

    def append(self, type_: str, payload: dict[str, Any]) -> None:
        """Something happens in the show; `flush` tells it."""
        self.seq += 1
        if type_ == "chat:new":
            self.view["chat"]["messages"] = [*self.view["chat"]["messages"], payload][-50:]
        self.log.append({"type": type_, "seq": self.seq, "ts": now(), "payload": payload})

    async def happens(self, type_: str, payload: dict[str, Any]) -> None:
        self.append(type_, payload)
        await self.flush()

    async def flush(self) -> None:
        for peer in list(self.peers):
            if peer.flushed is None or peer.flushed >= self.seq:
                continue
            after, peer.flushed = peer.flushed, self.seq
            if self.lose_batches:
                self.lose_batches -= 1
                continue
            events = [e for e in self.log if e["seq"] > after]
            head = {"type": "events", "show": SHOW, "epoch": self.epoch, "from": after, "to": self.seq}
            await peer.send({**head, "events": events})

    def rebuild(self) -> None:
        """The log was rebuilt: a new epoch, in which numbers start again."""
        self.epoch += 1
        self.log, self.seq, self.kept_from = [], 0, 0
        for peer in self.peers:
            peer.flushed = 0 if peer.flushed is not None else None

    async def close_all(self, code: int, reason: str) -> None:
        for peer in list(self.peers):
            await peer.ws.close(code, reason)

    def abort_all(self) -> None:
        for peer in list(self.peers):
            peer.ws.transport.abort()

    @staticmethod
    def _ok(**payload: Any) -> dict[str, Any]:
        return {"type": "ok", "payload": payload}

    @staticmethod
    def _error(code: str, *, retryable: bool = False, **detail: Any) -> dict[str, Any]:
        return {
            "type": "error",
            "payload": {"code": code, "message": "", "retryable": retryable, "detail": detail},
        }


def now() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def scripted_server(double: ScriptedServer | None = None) -> AsyncIterator[ScriptedServer]:
    """A running double on a free port of the loopback."""
    double = double or ScriptedServer()
    protocols = ["live.v1.json", "live.v1.msgpack"]
    async with serve(double.handle, "127.0.0.1", 0, subprotocols=protocols, compression=None) as server:  # type: ignore[arg-type]  # plain names are fine
        double.server = server
        double.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        yield double
        double.abort_all()
        await asyncio.sleep(0)
