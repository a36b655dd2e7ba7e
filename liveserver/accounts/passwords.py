"""Passwords are hashed here: Argon2id, in threads of its own, so many at once and no more.

It judges no password (`rules`) and counts no attempts (`throttle`).
"""

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from liveserver.accounts.errors import BUSY
from liveserver.accounts.rules import password_form
from liveserver.kernel.errors import Rejected

PASSES = 3
LANES = 4
"""Passes and lanes as RFC 9106, section 4, recommends second (with 64 MiB, the setting's default)."""
AT_ONCE_MAX = 2
"""Hashes computed at the same time: each takes its memory and a core, and the show goes on beside them."""
WAITING_MAX = 64
"""Hashes that may wait (a few seconds' worth). More are told to come back: `BUSY`."""
SALT_BYTES = 16
HASH_BYTES = 32

T = TypeVar("T")


class Passwords:
    """Hashes and checks. One per process; `close` when done."""

    def __init__(self, memory_kib: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES,
            memory_cost=memory_kib,
            parallelism=LANES,
            hash_len=HASH_BYTES,
            salt_len=SALT_BYTES,
        )
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="argon2")
        self._waiting = 0
        # A well-formed hash of nothing known: checking against it costs what a real check costs.
        salt, digest = (_b64(secrets.token_bytes(n)) for n in (SALT_BYTES, HASH_BYTES))
        self._nobodys = f"$argon2id$v=19$m={memory_kib},t={PASSES},p={LANES}${salt}${digest}"

    def close(self) -> None:
        """Lets no new work in. What is being computed ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str | Rejected:
        """The encoded hash to store, with its salt and parameters. `BUSY` when too many wait."""
        form = password_form(password)
        return await self._in_a_thread(lambda: self._hasher.hash(form))

    async def check(self, stored: str | None, password: str) -> bool | Rejected:
        """Whether this is the password. `stored` None (nobody has this address): the same work, then False."""
        form = password_form(password)

        def verify() -> bool:
            try:
                return self._hasher.verify(stored or self._nobodys, form) and stored is not None
            except VerificationError:
                return False

        return await self._in_a_thread(verify)

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's, and should be made anew while the password is known."""
        return self._hasher.check_needs_rehash(stored)

    async def _in_a_thread(self, work: Callable[[], T]) -> T | Rejected:
        if self._waiting >= AT_ONCE_MAX + WAITING_MAX:
            return BUSY
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
