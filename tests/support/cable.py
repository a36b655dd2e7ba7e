"""The network cable between a browser and the server: a plain TCP relay that a test can cut and mend.

It looks at no byte. Chromium's own "offline" leaves open WebSockets alone, which is why the cut happens out here.
"""

import asyncio
from typing import Self

CHUNK_BYTES = 65_536


class Cable:
    """One browser's way to the server; `origin` is where the browser must go."""

    def __init__(self, origin: str) -> None:
        host, _, port = origin.removeprefix("http://").rpartition(":")
        self._server_address = (host, int(port))
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self._whole = True
        self.refused = 0
        """Connections that were tried while the cable was cut."""

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._plugged_in, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._listener is not None
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._relays, return_exceptions=True)

    @property
    def origin(self) -> str:
        assert self._listener is not None, "plugged in"
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def cut(self) -> None:
        """Everything open breaks at once, and nothing new gets through."""
        self._whole = False
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def mend(self) -> None:
        self._whole = True

    def _plugged_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            self.refused += 1
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._relay(reader, writer))
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        there, back = await asyncio.open_connection(*self._server_address)
        if writer not in self._open:  # cut meanwhile
            back.transport.abort()
            return
        self._open.add(back)
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            for one in (writer, back):
                one.transport.abort()
                self._open.discard(one)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(CHUNK_BYTES):
            target.write(data)
            await target.drain()
        if target.can_write_eof() and not target.transport.is_closing():
            target.write_eof()
    except OSError:
        target.transport.abort()  # a cut ends both ways
