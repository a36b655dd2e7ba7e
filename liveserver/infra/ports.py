"""Port numbers that must be known before anybody listens there, or that are listened on again after a pause.

They lie below the range from which systems number the ends of outgoing connections (Linux from 32,768, macOS from 49,152):
a number from `bind(0)` may, between looking and listening, become that of somebody's connection. It reserves nothing.
"""

import errno
import random
import socket

_LOWEST, _HIGHEST = 10_000, 19_999
"""With `apart` 10,000, as the buses of a Valkey cluster lie, both are below the range, and no bus is another's port."""
_TRIES_MAX = 10_000
_given: set[int] = set()


def free_port(apart: int = 0) -> int:
    """A port of 127.0.0.1 that is free now, and was not given to this process before; so is the one `apart` above it. Chosen by
    chance, so that processes that ask at once get different ones. Raises OSError when hardly any is free."""
    for _ in range(_TRIES_MAX):
        port = random.SystemRandom().randint(_LOWEST, _HIGHEST)
        if port in _given:
            continue
        try:
            for each in {port, port + apart}:
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        _given.add(port)
        return port
    raise OSError(errno.EADDRINUSE, f"no port from {_LOWEST} to {_HIGHEST} is free")
