"""This project's server as one of those compared: the real `liveserver serve --unlimited`, with everything it always does.

The server's own process is pinned to the given core; its engines and whatever other process it starts run on the remaining
ones, beside the generator. Tokens are an embedding app's (HS256), so no password is hashed while viewers come. Settings
(`LIVESERVER_…`) in the environment are passed on.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jwt
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.peers.model import Frame, Running, Setting, Speech
from benchmarks.peers.process import children_of
from liveserver import __version__

READY = "liveserver is ready at "
START_MAX_S = 60.0
STOP_MAX_S = 30.0
ASK_MAX_S = 10.0
TOKEN_S = 6 * 3_600
FILLER = "does it come in blue"
"""20 characters, the mean of real live chat; with the stamp a message has 40."""
JOINED = '"recovered":'
"""In the answer to a join, whether it brings a snapshot or the events that were missed."""
RESUMED = '"recovered":true'
BID_STAMP = "BS"
"""Of bids in scenarios in which chat is stamped as well."""
BIDDERS_MAX = 2_000
"""Tokens that are made: more bidders than any scenario has."""
RATES_LIFTED = {
    f"LIVESERVER_{name}": "0" for name in ("BIDS_PER_S", "CHATS_PER_S", "FRAMES_PER_S", "REQUESTS_PER_S")
}
"""For a server without `--unlimited`: what one connection may say is lifted, the limit on joins a second stays."""


class LiveRunning(Running, frozen=True, kw_only=True):
    """A running liveserver, and what scenarios beyond the plain ones ask of it."""

    origin: str
    show: str
    lot: str
    host: str
    """The token of the show's host."""
    bidders: Speech
    """How bidders speak where `speech` is that of viewers; stamped `BID_STAMP`."""

    def metrics(self) -> dict[str, float]:
        """The numbers of `/metrics`: with labels as they are written there, and by name alone summed up."""
        found: dict[str, float] = {}
        with urllib.request.urlopen(f"{self.origin}/metrics", timeout=ASK_MAX_S) as response:
            for line in response.read().decode().splitlines():
                if line and not line.startswith("#"):
                    name, _, value = line.rpartition(" ")
                    bare = name.partition("{")[0]
                    found[name] = float(value)
                    if bare != name:
                        found[bare] = found.get(bare, 0.0) + float(value)
        return found

    def bids_accepted(self) -> int:
        """How many bids the lot has taken."""
        with Client(self.origin, "") as guest:
            joined = guest.ask("room:join", {"show": self.show})
        lot = _find(joined["snapshot"], self.lot)
        return int(lot["bids"]) if lot is not None else 0


def _find(document: Any, lot: str) -> dict[str, Any] | None:
    """The part of a snapshot that is about this lot, wherever it stands."""
    parts: list[Any] = document if isinstance(document, list) else []
    if isinstance(document, dict):
        fields: dict[str, Any] = document
        if "bids" in fields and lot in (fields.get("lot"), fields.get("id")):
            return fields
        parts = list(fields.values())
    return next((found for part in parts if (found := _find(part, lot)) is not None), None)


def resume(show: str) -> tuple[Frame, ...]:
    """What a viewer who comes back says: the position is the generator's to fill in."""
    after = '{"epoch":{epoch},"seq":{position}}'
    join = f'{{"type":"room:join","id":"back","payload":{{"show":"{show}","after":{after}}}}}'
    return (_frame("hello", {}), Frame(join))


class Client:
    """A client for the few commands that prepare a run."""

    def __init__(self, origin: str, token: str) -> None:
        self._opening = connect(origin.replace("http", "ws", 1) + "/ws", compression=None)
        self._token = token
        self._number = 0

    def __enter__(self) -> Self:
        self._socket = self._opening.__enter__()
        self.ask("hello", {"token": self._token})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening.__exit__(kind, error, trace)

    def ask(self, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's payload. Raises RuntimeError when it is an error or the connection ends, and TimeoutError."""
        self._number += 1
        name = f"b{self._number}"
        try:
            self._socket.send(json.dumps({"type": kind, "id": name, "payload": payload}))
            while (said := json.loads(self._socket.recv(timeout=ASK_MAX_S))).get("id") != name:
                pass
        except ConnectionClosed as error:
            raise RuntimeError(f"{kind}: {error}") from error
        if said["type"] != "ok":
            raise RuntimeError(f"{kind}: {said['payload']}")
        return said["payload"]


def environment_of(setting: Setting, environment: Mapping[str, str], secret: str) -> dict[str, str]:
    """What a server is told: where its data are, or its engines where there are some for it."""
    given = {
        **os.environ,
        **environment,
        "LIVESERVER_DATA_DIR": str(setting.folder / "data"),
        "LIVESERVER_JWT_SECRET": secret,
    }
    if setting.database_url:
        given |= {
            "LIVESERVER_DATABASE_URL": setting.database_url,
            "LIVESERVER_REDIS_URL": setting.redis_url,
        }
    return given


class Started:
    """A running `liveserver serve`, with a live show and an open lot."""

    def __init__(
        self, setting: Setting, core: int, work: str, environment: Mapping[str, str], unlimited: bool
    ) -> None:
        self._setting = setting
        self._core = core
        self._work = work
        self.secret = secrets.token_hex(32)
        """Signs the tokens; further nodes beside this one need it too."""
        setting.folder.mkdir(parents=True, exist_ok=True)
        self._log = setting.folder / "server.log"
        others = sorted(os.sched_getaffinity(0) - {core}) or [core]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "taskset", "--cpu-list", ",".join(map(str, others)),
                 sys.executable, "-m", "liveserver.cli", "serve", "--port", str(setting.port), *(["--unlimited"] if unlimited else [])],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment_of(setting, environment, self.secret),
                start_new_session=True,
            )  # fmt: skip
        try:
            self.running = self._prepare(self._wait_until_ready())
        except BaseException:
            self._end()
            raise

    def _wait_until_ready(self) -> str:
        assert self._process.stdout is not None, "it is a pipe"
        for line in self._process.stdout:
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
        raise RuntimeError(f"liveserver did not start: {self._log.read_text()[-2000:]}")

    def _prepare(self, origin: str) -> LiveRunning:
        pin(self._process.pid, self._core)
        host = self._token("host", "host")
        request = urllib.request.Request(
            f"{origin}/api/v1/seller/livestreams",
            json.dumps({"title": "Benchmark", "currency": "USD"}).encode(),
            {"authorization": f"Bearer {host}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=ASK_MAX_S) as response:
            show = json.load(response)["id"]
        clock = {"preset": "timed"}
        with Client(origin, host) as client:
            client.ask("room:join", {"show": show})
            client.ask("show:start", {"show": show})
            lot = client.ask(
                "lot:open",
                {"show": show, "title": "Leica M3", "start": 1, "increments": "flat:1", "clock": clock, "confirm_times": 0},
            )["lot"]  # fmt: skip
        tokens = self._setting.folder / "tokens.txt"
        people = range(min(max(1, self._setting.connections), BIDDERS_MAX))
        tokens.write_text("".join(self._token(f"bidder{i}", "viewer") + "\n" for i in people))
        return LiveRunning(
            speech=self._bidders(show, lot, "TS") if self._work == "bids" else self._viewers(show),
            pids=(self._process.pid,),
            tokens=tokens,
            origin=origin,
            show=show,
            lot=lot,
            host=host,
            bidders=self._bidders(show, lot, BID_STAMP),
        )

    def _token(self, name: str, role: str) -> str:
        claims = {"sub": name, "name": name.title(), "role": role, "exp": int(time.time()) + TOKEN_S}
        return jwt.encode(claims, self.secret, "HS256")

    def _viewers(self, show: str) -> Speech:
        join = _frame("room:join", {"show": show})
        publisher = self._token("publisher", "viewer")
        return Speech(
            path="/ws",
            subprotocol="live.v1.json",
            hello=(_frame("hello", {}), join),
            say=_frame("chat:send", {"show": show, "text": f"TS={{ts}} {FILLER}"}),
            publish_hello=(_frame("hello", {"token": publisher}), join),
            ready=JOINED,
        )

    def _bidders(self, show: str, lot: str, stamp: str) -> Speech:
        # Written out: {n} is a number and must not be quoted.
        bid = f'{{"type":"bid:place","id":"{stamp}={{ts}}","payload":{{"show":"{show}","lot":"{lot}","amount":{{n}}}}}}'
        return Speech(
            path="/ws",
            subprotocol="live.v1.json",
            hello=(_frame("hello", {"token": "{token}"}), _frame("room:join", {"show": show})),
            say=Frame(bid),
            ready=JOINED,
        )

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            # Its engines notice by themselves that it is gone.
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> LiveRunning:
        return self.running

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()


def _frame(kind: str, payload: Mapping[str, Any]) -> Frame:
    return Frame(json.dumps({"type": kind, "id": kind, "payload": payload}, separators=(",", ":")))


def pin(pid: int, core: int) -> None:
    """Puts all threads of that process on the core, and its children off it."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
    others = os.sched_getaffinity(0) - {core}
    for child in children_of(pid) if others else ():
        for thread in Path(f"/proc/{child}/task").iterdir():
            os.sched_setaffinity(int(thread.name), others)


class LiveServer:
    """liveserver as a peer; `work` says which half of it is measured."""

    name = "liveserver"
    title = "liveserver"

    def __init__(
        self, work: str, environment: Mapping[str, str] | None = None, *, unlimited: bool = True
    ) -> None:
        self.work = work
        self._environment = environment or {}
        self._unlimited = unlimited

    def missing(self) -> str:
        return ""

    def version(self) -> str:
        return f"liveserver {__version__}, Python {sys.version.split()[0]}"

    def start(self, setting: Setting, core: int) -> Started:
        return Started(setting, core, self.work, self._environment, self._unlimited)


PEERS = (LiveServer("fanout"), LiveServer("bids"))
