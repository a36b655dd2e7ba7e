"""The archive: a tar file whose first member is the manifest, with a checksum of each of the others.

It is written beside its name and renamed, so that it is whole or absent, and readable for its owner alone.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from liveserver.backup.manifest import FORMAT, Manifest, Part
from liveserver.kernel.errors import Mendable

MANIFEST = "manifest.json"
DATABASE = "database.dump"
MANIFEST_BYTES_MAX = 64 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024

Progress = Callable[[str], None]


def part_of(name: str, path: Path) -> Part:
    """A file as the manifest lists it."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return Part(name, size, digest.hexdigest())


def write(
    target: Path, manifest: Manifest, files: Sequence[tuple[Part, Path]], on_progress: Progress
) -> None:
    """Writes the archive. Raises Mendable when the disk or the folder does not take it; then nothing is left."""
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                told = msgspec.json.format(
                    msgspec.json.encode(
                        msgspec.structs.replace(manifest, parts=tuple(part for part, _ in files))
                    )
                )
                tar.addfile(_member(MANIFEST, len(told)), io.BytesIO(told))
                for part, path in files:
                    on_progress(f"writing {part.name} ({part.bytes / 1e6:.1f} MB)")
                    with path.open("rb") as source:
                        tar.addfile(_member(part.name, part.bytes), source)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Mendable(
            f"The archive cannot be written: {error.strerror}",
            str(target),
            "Free some space there, or write it elsewhere.",
        ) from error


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(source: Path, into: Path, on_progress: Progress) -> Manifest:
    """Unpacks an archive and checks every byte of it. Raises Mendable for one that is cut, changed, or newer than we know."""
    try:
        with tarfile.open(source, mode="r:") as tar:
            first = tar.next()
            if first is None or first.name != MANIFEST or first.size > MANIFEST_BYTES_MAX:
                raise _bad(source, "it does not begin with a manifest of ours")
            manifest = _manifest(source, _content(tar, first))
            for part in manifest.parts:
                on_progress(f"checking {part.name} ({part.bytes / 1e6:.1f} MB)")
                member = tar.next()
                if member is None or member.name != part.name or not member.isfile():
                    raise _bad(source, f"{part.name} is missing")
                _unpack(source, tar, member, part, _place(source, into, part.name))
            if tar.next() is not None:
                raise _bad(source, "it holds files that its manifest does not know")
    except (tarfile.TarError, EOFError) as error:
        raise _bad(source, f"it cannot be read: {error}") from error
    except OSError as error:
        raise Mendable(
            f"The archive cannot be unpacked: {error.strerror}",
            str(error.filename or into),
            "Free some space.",
        ) from error
    return manifest


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


def _place(source: Path, into: Path, name: str) -> Path:
    path = (into / name).resolve()
    if not path.is_relative_to(into.resolve()):
        raise _bad(source, f"{name} would lie outside of the folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _unpack(source: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, part: Part, to: Path) -> None:
    file = tar.extractfile(member)
    assert file is not None, "it is a plain file"
    digest, size = hashlib.sha256(), 0
    with to.open("wb") as target:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    if (size, digest.hexdigest()) != (part.bytes, part.sha256):
        raise _bad(source, f"{part.name} was changed or cut")


def _bad(source: Path, why: str) -> Mendable:
    return Mendable(
        f"This archive is no good: {why}", str(source), "Use another one; nothing was restored from it."
    )
