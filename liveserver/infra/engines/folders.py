"""The data directory: where engines keep their files, who may read them, and that only one server uses them.

It does not know what the engines write. Layout: `postgres/`, `valkey/` (the engines' own), `logs/`, `secrets/`,
`binaries/` (copies, only when needed), `run/` (sockets), `lock`.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from liveserver.infra.engines.errors import EngineError
from liveserver.infra.engines.identity import Identity, blocking_folder, engine_identity

SYSTEM_DATA_DIR = Path("/var/lib/liveserver")
FREE_MIN_BYTES = 256 * 1024 * 1024
"""Below this nothing is started: PostgreSQL's first start alone writes 40 MB, and a full disk stops Valkey for good."""
SOCKET_PATH_MAX_BYTES = 103
"""sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included."""
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


def default_data_dir() -> Path:
    """Root's data lives in the system's place, because the engines' user could not enter root's home."""
    if os.geteuid() == 0:
        return SYSTEM_DATA_DIR
    base = os.environ.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(base) / "liveserver"


@dataclass(frozen=True, slots=True)
class Folders:
    """The prepared data directory; `run` is short enough for sockets and may lie outside it."""

    data: Path
    logs: Path
    secrets: Path
    run: Path
    identity: Identity

    def own(self, path: Path, mode: int = 0o700) -> Path:
        """Create or adopt a folder that belongs to the engines' user."""
        path.mkdir(mode=mode, exist_ok=True)
        if self.identity.switch:
            os.chown(path, self.identity.uid, self.identity.gid)
        path.chmod(mode)
        return path

    def secret(self, name: str) -> str:
        """A password kept in `secrets/` (0600), made at the first use."""
        path = self.secrets / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            pass
        value = secrets.token_urlsafe(32)
        # Complete or absent, never half: written aside and renamed.
        draft = path.with_name(f".{name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(value)
        draft.rename(path)
        return value


@contextmanager
def prepared(data_dir: Path, *, free_min_bytes: int = FREE_MIN_BYTES) -> Generator[Folders]:
    """Make the data directory ready and hold it for this process until the end of the block.

    Raises `EngineError` when another server holds it, when it cannot be written or entered, or when the disk is full.
    """
    data_dir = data_dir.expanduser().absolute()
    with ExitStack() as stack:
        try:
            if not data_dir.exists():
                data_dir.mkdir(parents=True)
                data_dir.chmod(
                    0o711
                )  # whatever the umask: the engines' user passes through, and sees no listing
            stack.enter_context(_held(data_dir))
            folders = _laid_out(data_dir, free_min_bytes)
        except OSError as error:
            raise EngineError(
                f"The data directory cannot be used: {error.strerror} ({error.filename})",
                str(data_dir),
                "Start as the user it belongs to, or choose another folder with LIVESERVER_DATA_DIR.",
            ) from error
        yield folders


def _laid_out(data_dir: Path, free_min_bytes: int) -> Folders:
    free = shutil.disk_usage(data_dir).free
    if free < free_min_bytes:
        raise EngineError(
            f"The disk is full: {free // 1_000_000} MB are free, at least {free_min_bytes // 1_000_000} MB are needed",
            str(data_dir),
            "Free some space there, or choose another folder with LIVESERVER_DATA_DIR.",
        )
    identity = engine_identity(data_dir)
    if identity.switch:
        blocked = blocking_folder(data_dir, identity)
        if blocked is not None:
            # Opening other people's folders is theirs to decide, so we say which instead of doing it.
            raise EngineError(
                f"The engines run as {identity.name}, who may not enter {blocked}",
                str(data_dir),
                f"Choose another folder with LIVESERVER_DATA_DIR (such as {SYSTEM_DATA_DIR}), or run: chmod o+x {blocked}",
            )
    for name, mode in (("logs", 0o700), ("secrets", 0o700)):
        (data_dir / name).mkdir(mode=mode, exist_ok=True)
    folders = Folders(data_dir, data_dir / "logs", data_dir / "secrets", data_dir / "run", identity)
    return replace(folders, run=_run_folder(folders))


def _run_folder(folders: Folders) -> Path:
    """`run/` in the data directory, or where that is too long for a socket, a link from there to a short one."""
    link = folders.run
    if len(os.fsencode(link / _LONGEST_SOCKET_NAME)) <= SOCKET_PATH_MAX_BYTES:
        return folders.own(link)
    if link.is_symlink():
        short = link.readlink()
        # Kept from an earlier run, unless /tmp was cleaned or somebody else made a folder of that name.
        if short.is_dir() and not short.is_symlink() and short.stat().st_uid == folders.identity.uid:
            return folders.own(short)
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(
            link
        )  # from before the data directory was moved to a longer path; holds only dead sockets
    short = Path(tempfile.mkdtemp(prefix="liveserver-", dir="/tmp"))
    folders.own(short)
    link.symlink_to(short)
    return short


@contextmanager
def _held(data_dir: Path) -> Generator[None]:
    # An flock dies with its process, however that ends, so a lock is never stale; the pid in it is only for people.
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise EngineError(
                f"Another liveserver (pid {holder}) is running with this data directory",
                str(data_dir),
                "Stop it first, or give this one its own LIVESERVER_DATA_DIR.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
