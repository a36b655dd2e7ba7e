"""Compiles the C programs of this folder on first use, and again when a source has changed.

The programs need a compiler and Linux's epoll, and nothing else. They are kept in `build/`, which git ignores.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

_SOURCES = Path(__file__).parent
_CACHE = _SOURCES.parents[1] / "build" / "load"
_FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror")
COMPILERS = ("cc", "gcc", "clang")


class NoCompiler(RuntimeError):
    """There is none of `COMPILERS`, or it refused the source."""


def compiler() -> str:
    """Where the C compiler is, or ""."""
    return next((found for name in COMPILERS if (found := shutil.which(name))), "")


def program(name: str, *defines: str, source: Path | None = None) -> Path:
    """The program made of `<name>.c` (or of another source that includes ours), with macros ("NAME=VALUE"). Raises NoCompiler."""
    source = source or _SOURCES / f"{name}.c"
    flags = (*_FLAGS, f"-I{_SOURCES}", *(f"-D{define}" for define in defines))
    texts = [path.read_bytes() for path in (*sorted(_SOURCES.glob("*.[ch]")), source)]
    digest = hashlib.sha256(b"\0".join([" ".join(flags).encode(), *texts])).hexdigest()[:16]
    target = _CACHE / f"{name}-{digest}"
    if target.exists():
        return target
    found = compiler()
    if not found:
        raise NoCompiler(
            f"the load generator needs a C compiler ({', '.join(COMPILERS)}); on Debian: apt-get install gcc libc6-dev"
        )
    _CACHE.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".new")
    done = subprocess.run(
        [found, *flags, str(source), "-o", str(fresh)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise NoCompiler(f"{found} refused {name}.c:\n{done.stderr[-4000:]}")
    fresh.replace(target)  # at once, so that two runs that build at the same time don't see half a program
    return target
