"""`make load` and `make load-ui`: a fresh server of this checkout, a show on it, locust against it, and nothing left behind.

Server and locust are processes of their own and are ended by their pids, whatever happens. Data lie in a temporary folder.
"""

import argparse
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from loadtests.loopback import target
from loadtests.passes import SECRET, Passes
from loadtests.scenarios import SCENARIOS
from loadtests.show import NoShow, new_show

READY = "liveserver is ready at "
START_MAX_S = 60
STOP_MAX_S = 30
OVERRUN_MAX_S = 60
"""For locust's own start and its tables."""
LOG = "server.log"
TAIL_CHARACTERS = 4_000
LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: locust's own, 1 when anything failed; 2 when the server did not start."""
    given = _parsed(arguments)
    environment = {**os.environ, SECRET: secrets.token_hex(32)}
    folder = Path(tempfile.mkdtemp(prefix="lsload-", dir="/tmp"))
    folder.chmod(0o711)  # under root the engines run as somebody else, who has to get through
    try:
        with _server(folder, environment) as origin:
            show = new_show(target(origin), Passes.of(environment).host())
            code = _locust(given, origin, show, environment)
            if code and (said := _tail(folder / LOG)):
                print(f"\nthe server's own words, the last of them:\n{said}")
            return code
    except (StartFailed, NoShow, OSError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.fresh", description=__doc__)
    parser.add_argument("--scenario", choices=[*SCENARIOS], default="drop")
    parser.add_argument("--users", type=_between(2, 5_000), default=100)
    parser.add_argument("--seconds", type=_between(5, 3_600), default=60)
    parser.add_argument(
        "--ui", action="store_true", help="locust's web page on this machine instead of one run"
    )
    parser.add_argument("--ui-port", type=_between(1, 65_535), default=8089)
    return parser.parse_args(arguments)


def _between(low: int, high: int) -> Callable[[str], int]:
    def parsed(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{number} is not within {low} and {high}")
        return number

    return parsed


class StartFailed(Exception):
    """The server was not ready in time; the message ends with what it said."""


@contextmanager
def _server(folder: Path, environment: dict[str, str]) -> Generator[str]:
    """A running server's origin."""
    log_path = folder / LOG
    # Only what this run needs: an operator's own settings must not lead the load to their database.
    clean = {k: v for k, v in environment.items() if not k.startswith("LIVESERVER_") or k == SECRET}
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "liveserver.cli", "serve", "--unlimited", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            env={**clean, "LIVESERVER_DATA_DIR": str(folder / "data"), "LIVESERVER_LOG_LEVEL": "warning"},
            start_new_session=True,  # Ctrl-C in the terminal is for locust, which then prints its table
        )
    try:
        yield _ready(process, log_path)
    finally:
        _end(process)


def _ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    assert process.stdout is not None, "it was started with a pipe"
    until_s = time.monotonic() + START_MAX_S
    said = b""
    while time.monotonic() < until_s:
        readable, _, _ = select.select([process.stdout], [], [], 1)
        if not readable:
            continue
        some = os.read(process.stdout.fileno(), 4_096)
        if not some:
            break
        said += some
        whole_lines = said.rpartition(b"\n")[0].decode(errors="replace").splitlines()
        for line in whole_lines:
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
    raise StartFailed(f"the server did not start:\n{_tail(log_path)}")


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-TAIL_CHARACTERS:]


def _locust(given: argparse.Namespace, origin: str, show: str, environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--host", origin, "--show", show]
    command += ["--scenario", given.scenario, "-u", str(given.users), "-t", f"{given.seconds}s"]
    if given.ui:
        command += ["--web-host", "127.0.0.1", "--web-port", str(given.ui_port)]
        print(
            f"load: the server is at {origin}, locust's page at http://127.0.0.1:{given.ui_port} (Ctrl-C ends)"
        )
    else:
        command += ["--headless", "--only-summary"]
        print(f"load: {given.scenario} on {origin}: {SCENARIOS[given.scenario].asks}")
    sys.stdout.flush()
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait(None if given.ui else given.seconds + OVERRUN_MAX_S)
    except KeyboardInterrupt:
        # The terminal told locust as well; it prints what it has and ends.
        return process.wait(STOP_MAX_S)
    except subprocess.TimeoutExpired:
        print(f"load: locust was not done {OVERRUN_MAX_S} s after its time", file=sys.stderr)
        return 1
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _terminated(number: int, frame: object) -> NoReturn:
    """SIGTERM ends both children as Ctrl-C does."""
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main())
