"""The archive: a tar file that ends with its manifest, which has a checksum of everything before it.

It is written as it comes, beside its name, and renamed at the end: it is whole or absent. Readable for its owner alone.
"""

import fcntl
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from liveserver.backup.manifest import FORMAT, Manifest, Part
from liveserver.kernel.errors import Mendable

MANIFEST = "manifest.json"
DATABASE = "database.dump"
MEDIA = "media"
MANIFEST_BYTES_MAX = 64 * 1024 * 1024
PARTS_MAX = 200_000
"""Files in an archive; their list is held in memory. More are refused, when writing and when reading."""
CHUNK_BYTES = 1024 * 1024
DRAFT = ".liveserver-backup-"
"""What an unfinished archive's name begins with."""

Progress = Callable[[str], None]
Sink = Callable[[bytes], object]


class Draft:
    """An archive that is being written: `part` for each file, then `finish`. Raises Mendable when the disk does not take it."""

    def __init__(self, file: io.FileIO, target: Path) -> None:
        self._file = file
        self._target = target
        self._parts: list[Part] = []

    @contextmanager
    def part(self, name: str) -> Generator[Sink]:
        """Where this file's content goes, however much it is; its header is put right at the end."""
        if len(self._parts) >= PARTS_MAX:
            raise Mendable(
                f"There are more than {PARTS_MAX} files to save",
                name,
                "Keep media in a store with backups of its own.",
            )
        start = self._file.tell()
        header = _header(name, 0)
        self._write(header)
        digest = hashlib.sha256()

        def sink(chunk: bytes) -> None:
            digest.update(chunk)
            self._write(chunk)

        yield sink
        size = self._file.tell() - start - len(header)
        self._write(bytes(-size % tarfile.BLOCKSIZE))
        end = self._file.tell()
        self._file.seek(start)
        self._write(_header(name, size))
        self._file.seek(end)
        self._parts.append(Part(name, size, digest.hexdigest()))

    def finish(self, about: Manifest) -> Manifest:
        """Writes the manifest, with the parts in it, and the end of the archive."""
        about = msgspec.structs.replace(about, parts=tuple(self._parts))
        told = msgspec.json.format(msgspec.json.encode(about))
        padding = bytes(-len(told) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
        self._write(_header(MANIFEST, len(told)) + told + padding)
        with _disk(self._target):
            os.fsync(self._file.fileno())
        return about

    def _write(self, content: bytes) -> None:
        with _disk(self._target):
            left = memoryview(content)
            while left:  # a disk that is nearly full takes a part, and says at the next that it is full
                left = left[self._file.write(left) :]


@contextmanager
def written(target: Path, on_progress: Progress) -> Generator[Draft]:
    """A draft that becomes the archive at the end of the block. Raises Mendable when the name is taken, or the disk or folder
    does not take it; then nothing is left. What an earlier run left that was killed is removed."""
    _refuse_taken(target)
    if not target.parent.is_dir():
        raise Mendable("There is no such folder", str(target.parent), "Make it first.")
    _remove_abandoned(target.parent, on_progress)
    with _disk(target):
        descriptor, name = tempfile.mkstemp(prefix=DRAFT, dir=target.parent)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            with _disk(target):
                # Given back when we die, so that whoever comes next knows what is abandoned.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Draft(file, target)
            _refuse_taken(target)
            with _disk(target):
                path.rename(target)
                _sync_folder(target.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _refuse_taken(target: Path) -> None:
    if target.exists():
        raise Mendable("There is a file of this name already", str(target), "Choose another name.")


@contextmanager
def _disk(target: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Mendable(
            f"The archive cannot be written: {error.strerror}",
            str(target),
            "Free some space there, or write it elsewhere; nothing was left.",
        ) from error


def _header(name: str, size: int) -> bytes:
    # GNU's form: its length does not depend on the size, not even beyond 8 GiB.
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _remove_abandoned(folder: Path, on_progress: Progress) -> None:
    for path in folder.glob(f"{DRAFT}*"):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        except OSError:
            continue  # somebody else's: of one who is alive, or of another user
        on_progress(f"removed {path.name}, which a backup left that was killed")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Archive:
    """An archive of which every byte was checked, still open, so that what is read is what was checked."""

    def __init__(self, manifest: Manifest, tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> None:
        self.manifest = manifest
        self._tar = tar
        self._members = members

    def read(self, name: str) -> IO[bytes]:
        """The content of a part."""
        file = self._tar.extractfile(self._members[name])
        assert file is not None, "parts are plain files"
        return file

    def media(self) -> list[PurePosixPath]:
        """Files besides the database, below `MEDIA`."""
        return [PurePosixPath(part.name) for part in self.manifest.parts if part.name != DATABASE]


@contextmanager
def opened(source: Path, on_progress: Progress) -> Generator[Archive]:
    """An archive to restore from. Raises Mendable for one that is cut, changed, or newer than we know."""
    with ExitStack() as stack:
        try:
            tar = stack.enter_context(tarfile.open(source, mode="r:"))
            archive = _checked(source, tar, on_progress)
        except (tarfile.TarError, EOFError) as error:
            raise _bad(source, f"it cannot be read: {error}") from error
        except OSError as error:
            raise Mendable(
                f"The archive cannot be read: {error.strerror}", str(source), "Mend that, or use a copy."
            ) from error
        yield archive


def _checked(source: Path, tar: tarfile.TarFile, on_progress: Progress) -> Archive:
    members: dict[str, tarfile.TarInfo] = {}
    last = ""
    for member in tar:
        if len(members) > PARTS_MAX or member.name in members or not member.isfile():
            raise _bad(source, f"{member.name} does not belong into it")
        members[member.name] = member
        last = member.name
    if last != MANIFEST or members[MANIFEST].size > MANIFEST_BYTES_MAX:
        raise _bad(source, "it does not end with a manifest of ours, so it is cut or something else")
    archive = Archive(_manifest(source, _content(tar, members.pop(MANIFEST))), tar, members)
    if [part.name for part in archive.manifest.parts] != list(members):
        raise _bad(source, "it does not hold the files that its manifest names")
    if DATABASE not in members:
        raise _bad(source, "there is no database in it")
    for part in archive.manifest.parts:
        path = PurePosixPath(part.name)
        if part.name != DATABASE and (path.parts[:1] != (MEDIA,) or ".." in path.parts):
            raise _bad(source, f"{part.name} would lie outside of the folder")
        on_progress(f"checking {part.name} ({part.bytes / 1e6:.1f} MB)")
        with archive.read(part.name) as file:
            if (members[part.name].size, _digest(file)) != (part.bytes, part.sha256):
                raise _bad(source, f"{part.name} was changed or cut")
    return archive


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def _manifest(source: Path, content: bytes) -> Manifest:
    try:
        version = msgspec.json.decode(content, type=_Version).format
        if version > FORMAT:
            raise _bad(source, f"it has format {version}, and this release knows up to {FORMAT}")
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise _bad(source, f"its manifest is damaged: {error}") from error


class _Version(msgspec.Struct):
    format: int


def _bad(source: Path, why: str) -> Mendable:
    return Mendable(
        f"This archive is no good: {why}", str(source), "Use another one; nothing was restored from it."
    )
