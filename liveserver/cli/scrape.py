"""`/metrics` of workers that share a port: whoever is asked collects the others' numbers, so that every scrape is complete.

Each worker gives its text on a Unix socket in a folder that belongs to their parent. A worker that does not answer is left out
of that scrape, with `liveserver_worker_up 0`, rather than told with zeros: a counter never goes back. Alone, it adds nothing.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from liveserver.infra.telemetry import Metrics

log = structlog.get_logger(__name__)

ANSWER_MAX_S = 1.0
"""A worker whose loop is stuck for longer is left out of the scrape."""
TEXT_BYTES_MAX = 4 * 1024 * 1024
"""Largest text taken from a worker: some 40,000 series."""
UP = "liveserver_worker_up"
UP_DOC = "Whether a worker that shares the port told its numbers for this scrape."


class Scrape:
    """One worker's part. Without a folder it is alone, and its text is its own."""

    def __init__(self, folder: str = "", number: int = 0) -> None:
        self._folder = Path(folder) if folder else None
        self._number = number
        self._metrics: Metrics | None = None
        self._server: asyncio.Server | None = None
        self._inode = 0

    def of(self, metrics: Metrics) -> None:
        """Whose numbers these are."""
        self._metrics = metrics

    async def start(self) -> None:
        """Lets the other workers ask. A successor takes over the name of the one that it replaces."""
        if self._folder is None:
            return
        # Made beside and moved into place: nobody finds a socket that is not listening yet.
        begun = self._folder / f"{self._number}.{os.getpid()}"
        self._server = await asyncio.start_unix_server(self._answer, begun)
        begun.rename(self._own)
        self._inode = self._own.stat().st_ino

    async def aclose(self) -> None:
        """Answers no more."""
        if self._server is None:
            return
        self._server.close()
        if self._leads():
            self._own.unlink()

    async def text(self) -> bytes:
        """The numbers of all workers in Prometheus' text format, each with its `worker`; alone, without that label."""
        own = self._render()
        if self._folder is None:
            return own
        # While it is being replaced, the number is its successor's already.
        name = str(self._number) if self._leads() else f"{self._number}-leaving"
        others = [path for path in sorted(self._folder.glob("*.sock")) if path.stem != name]
        texts = await asyncio.gather(*(self._ask(path) for path in others))
        told = {name: own} | {path.stem: text for path, text in zip(others, texts, strict=True)}
        return merged(told)

    @property
    def _own(self) -> Path:
        assert self._folder is not None, "only workers have a socket"
        return self._folder / f"{self._number}.sock"

    def _leads(self) -> bool:
        try:
            return self._own.stat().st_ino == self._inode
        except OSError:
            return False

    def _render(self) -> bytes:
        assert self._metrics is not None, "`of` comes before the first scrape"
        return self._metrics.render()

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self._render())
            await writer.drain()
        except ConnectionError as error:
            log.debug("numbers_not_wanted", error=repr(error))
        finally:
            writer.close()

    async def _ask(self, path: Path) -> bytes | None:
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                reader, writer = await asyncio.open_unix_connection(path, limit=TEXT_BYTES_MAX)
                try:
                    text = await reader.read(TEXT_BYTES_MAX)
                    while part := await reader.read(TEXT_BYTES_MAX - len(text)):
                        text += part
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            log.warning("worker_tells_no_numbers", worker=path.stem, error=repr(error))
            return None
        return text if text.endswith(b"\n") else None


def merged(texts: Mapping[str, bytes | None]) -> bytes:
    """Several processes' texts as one: samples of one metric together (the format asks for it), each with its `worker`."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for worker, text in texts.items():
        metric = ""
        for line in (text or b"").decode().splitlines():
            if line.startswith("# HELP "):
                metric = line.split(" ", 3)[2]
                heads.setdefault(metric, [line])
                samples.setdefault(metric, [])
            elif line.startswith("# TYPE "):
                if len(heads[metric]) == 1:
                    heads[metric].append(line)
            else:
                samples[metric].append(_labelled(line, worker))
    heads[UP] = [f"# HELP {UP} {UP_DOC}", f"# TYPE {UP} gauge"]
    samples[UP] = [f'{UP}{{worker="{worker}"}} {float(text is not None)}' for worker, text in texts.items()]
    lines = [line for metric, head in heads.items() for line in (*head, *samples[metric])]
    return ("\n".join(lines) + "\n").encode()


def _labelled(line: str, worker: str) -> str:
    # A metric's name holds neither a space nor a brace, so the first of these ends it.
    end = next(at for at, letter in enumerate(line) if letter in " {")
    if line[end] == "{":
        return f'{line[:end]}{{worker="{worker}",{line[end + 1 :]}'
    return f'{line[:end]}{{worker="{worker}"}}{line[end:]}'
