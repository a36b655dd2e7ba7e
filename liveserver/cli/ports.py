"""Listening sockets: made before anything else starts, so that a taken port is the first thing said, and by whom it is taken."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from liveserver.kernel.errors import Mendable

BACKLOG_MAX = 4_096
"""Connections the system holds while we are busy; a reconnect storm is thousands at once."""

UNSENT_BYTES_MAX = 128 * 1024
"""Bytes that the system takes from us for a client before it has sent them. By default it takes megabytes, so that a thousand
viewers who stopped reading hold gigabytes of the kernel's memory, and are noticed only after half a minute."""


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket, not yet accepting. `shared` lets other processes of ours listen on it too (SO_REUSEPORT).

    Raises Mendable when the address can't be had, naming who has it where that can be seen.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise Mendable(
            f"{host!r} is no address of this machine: {error.strerror}",
            "LIVESERVER_HOST (--host)",
            "Use 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses.",
        ) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # Restarting at once must work while old connections linger; on Linux this does not let two servers share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # accepted connections inherit it; not on every system
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
        listener.bind(address)
        listener.listen(BACKLOG_MAX)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _explained(error, host, port) from error
    return listener


def bind_error(host: str, port: int) -> OSError | None:
    """Why the address can't be listened on, or None when it can."""
    try:
        listen(host, port).close()
    except Mendable as error:
        cause = error.__cause__
        return cause if isinstance(cause, OSError) else OSError(errno.EADDRNOTAVAIL, str(error))
    return None


def _explained(error: OSError, host: str, port: int) -> Mendable:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return Mendable(
            f"Port {port} is taken{who_listens(port)}",
            where,
            f"Stop it, or use another port: --port {port + 1 if port < 65535 else 8080}, or LIVESERVER_PORT.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return Mendable(
            f"This user may not listen on port {port}", where, "Use a port over 1023, such as --port 8080."
        )
    return Mendable(
        f"Nobody can listen there: {error.strerror}",
        where,
        "Use an address of this machine, such as --host 127.0.0.1.",
    )


def who_listens(port: int) -> str:
    """` by nginx (pid 17)` for the process listening on a TCP port, as far as Linux lets us see; else an empty text."""
    inodes = set(_listening_inodes(port))
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                if descriptor.readlink().name in inodes:
                    name = (process / "comm").read_text().strip()
                    return f" by {name} (pid {process.name})"
        except OSError:
            continue  # another user's process, or it has just ended
    return " by another user's process"


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue  # not Linux
        for row in rows:
            fields = row.split()
            # proc(5): local address in hex, state 0A is LISTEN, field 10 the socket's inode.
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"
