"""The peers on Node: ws and Socket.IO, from `node/`, whose packages are installed there at the first use.

The servers, and why they are written as they are, stand in `node/ws.js` and `node/socketio.js`.
"""

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from benchmarks.peers.messages import CHAT, SOCKET_IO
from benchmarks.peers.model import Frame, Setting, Speech
from benchmarks.peers.process import Server, first_line, lacking, launch

FOLDER = Path(__file__).parent / "node"
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / ".liveserver-lock.json"
"""A copy of the lock that `node_modules` was installed from, made when npm was done."""
INSTALL_MAX_S = 120


class NodePeer(msgspec.Struct, frozen=True):
    """A server of `node/` as a `Peer`."""

    name: str
    title: str
    script: str
    package: str
    speech: Speech
    work: str = "fanout"

    def missing(self) -> str:
        return lacking(("node", "npm"), "Node.js 18 or later brings both")

    def version(self) -> str:
        locked = json.loads(LOCK.read_text())["packages"][f"node_modules/{self.package}"]["version"]
        node = first_line("node", "--version")
        return f"{self.package} {locked}" + (f", Node {node.removeprefix('v')}" if node else "")

    def start(self, setting: Setting, core: int) -> Server:
        """See `Peer.start`. Raises RuntimeError also when npm cannot bring the packages."""
        install()
        argv = ["node", str(FOLDER / self.script), str(setting.port)]
        return launch(argv, setting, core, self.speech, environment={"NODE_ENV": "production"})


def installed() -> bool:
    """Whether the packages of the lock are there, so that a start needs no network."""
    return INSTALLED.exists() and INSTALLED.read_bytes() == LOCK.read_bytes()


def install() -> None:
    """Brings the packages of the lock, once. Raises RuntimeError with npm's last words."""
    folder = os.open(FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two harnesses, or two tests, may want it at once
        if installed():
            return
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            npm, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_MAX_S, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci failed: {(done.stdout + done.stderr).strip()[-2_000:]}")
        shutil.copyfile(LOCK, INSTALLED)
    finally:
        os.close(folder)


PEERS = (
    NodePeer(
        name="ws",
        title="ws (Node), `send` in a loop",
        script="ws.js",
        package="ws",
        speech=Speech(say=Frame(CHAT), publish_path="/publish"),
    ),
    NodePeer(
        name="socket.io",
        title="Socket.IO (Node), `io.emit`",
        script="socketio.js",
        package="socket.io",
        speech=SOCKET_IO,
    ),
)
