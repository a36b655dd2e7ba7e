"""Which user the engines run as: never root, because PostgreSQL refuses it and Valkey does not need it.

It creates no users and changes no folder that is not the engines' own.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from liveserver.infra.engines.errors import EngineError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Identity:
    """The user an engine runs as. `switch` says whether the server (as root) has to become it for the child."""

    name: str
    uid: int
    gid: int
    switch: bool


def engine_identity(data_dir: Path) -> Identity:
    """Ourselves, or as root: the non-root owner of data that is already there, else `nobody`.

    Raises `EngineError` when root has no `nobody` to become (an image without passwd entries).
    """
    if os.geteuid() != 0:
        return Identity(name=f"uid {os.geteuid()}", uid=os.geteuid(), gid=os.getegid(), switch=False)
    for existing in (data_dir / "postgres", data_dir / "valkey"):
        # Data that a plain user made earlier keeps its owner, so that this user can still start it later.
        if existing.is_dir() and existing.stat().st_uid != 0:
            found = existing.stat()
            return Identity(name=f"uid {found.st_uid}", uid=found.st_uid, gid=found.st_gid, switch=True)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise EngineError(
            f"PostgreSQL does not run as root and there is no user {UNPRIVILEGED!r} to run it as",
            "/etc/passwd",
            "Start liveserver as a plain user, or add the user.",
        ) from None
    return Identity(name=UNPRIVILEGED, uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def blocking_folder(path: Path, who: Identity) -> Path | None:
    """The first part of `path` that `who` may not pass through, or None.

    Looks at plain permission bits only; access lists can only make it too strict.
    """
    resolved = path.resolve()
    for part in (*reversed(resolved.parents), resolved):
        if not allows(part, who, stat.S_IXOTH):
            return part
    return None


def allows(path: Path, who: Identity, needed: int) -> bool:
    """Whether `who` has the permissions `needed` on `path`, given as bits for others (`stat.S_IROTH | …`)."""
    found = path.stat()
    if found.st_uid == who.uid:
        needed <<= 6
    elif found.st_gid == who.gid:
        needed <<= 3
    return found.st_mode & needed == needed
