"""Compiled templates, kept for the next start: making them is a third of what a server needs to start, and every worker needs them.

They lie in the system's temporary folder, in one that only this user may enter (Jinja sees to that: it is code). Nothing depends on
them: where they can't be kept or read, each start compiles its own.
"""

import contextlib
import pickle
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import jinja2
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.bccache import Bucket


class _Kept(FileSystemBytecodeCache):
    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, pickle.UnpicklingError):
            bucket.reset()  # cut short by a crash of the machine, say

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):  # the disk is full, or not ours to write on
            super().dump_bytecode(bucket)


def kept(made_by: Sequence[Path]) -> BytecodeCache | None:
    """Where compiled templates are kept; None where no folder is safe.

    A changed template is compiled anew by itself. `made_by` are the files that say how they are compiled: with another text, or
    another release of Jinja, all are.
    """
    how = sha256(jinja2.__version__.encode())
    for path in made_by:
        how.update(path.read_bytes())
    try:
        return _Kept(pattern=f"{how.hexdigest()[:16]}_%s.cache")
    except (OSError, RuntimeError):
        return None
