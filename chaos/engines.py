"""PostgreSQL and Valkey as a fault needs them: killed for a while, paused, emptied, started again with another environment.

The engines are set up as the server sets up its own. They live under their launcher's supervision, as embedded ones do:
`kill_once` is followed by a restart, `kill` is not until `start`.
"""

import os
import shutil
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from liveserver.infra.engines import postgres, valkey
from liveserver.infra.engines.folders import Folders, prepared
from liveserver.infra.engines.launcher import Engine, Recipe

Say = Callable[[str], None]


class EngineProcess:
    """One engine. Its `environment` takes effect at its next start."""

    def __init__(
        self, recipe: Callable[[], Awaitable[Recipe]], environment: Mapping[str, str], say: Say
    ) -> None:
        self.environment = dict(environment)
        self._recipe = recipe
        self._say = say
        self._engine: Engine | None = None
        self._paused = False

    @property
    def running(self) -> Engine:
        """The launcher's handle."""
        assert self._engine is not None, "it was started and not killed"
        return self._engine

    @property
    def pid(self) -> int:
        return self.running.pid

    @property
    def home(self) -> Path:
        """The folder of its data."""
        return self.running.recipe.folder

    @property
    def log(self) -> Path:
        return self.running.recipe.log

    async def start(self) -> None:
        """Returns when it is ready. Raises EngineError when it cannot start."""
        assert self._engine is None, "it does not run"
        recipe = await self._recipe()
        if self.environment:
            # `env` becomes the engine itself, so the pid is the engine's.
            given = [f"{name}={value}" for name, value in self.environment.items()]
            recipe = replace(recipe, argv=["/usr/bin/env", *given, *recipe.argv])
        engine = Engine(recipe, self._say)
        await engine.start()
        self._engine = engine

    async def stop(self) -> None:
        """Ends it in order; harmless when it is dead."""
        engine, self._engine = self._engine, None
        if engine is not None:
            if self._paused:
                os.kill(engine.pid, signal.SIGCONT)
                self._paused = False
            await engine.stop()

    def kill_once(self) -> None:
        """Kill -9; its launcher starts it again."""
        os.kill(self.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """Kill -9; it stays dead until `start`."""
        engine, self._engine = self.running, None
        os.kill(engine.pid, signal.SIGKILL)
        # Takes its supervisor away before that hears of the death.
        await engine.stop()

    def pause(self) -> None:
        """It takes connections and answers nothing (the first process only: PostgreSQL's backends go on)."""
        os.kill(self.pid, signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
        self._paused = False


@dataclass
class Engines:
    """Both engines of a world, and where they are."""

    folders: Folders
    postgres: EngineProcess
    valkey: EngineProcess
    database_url: str = field(repr=False)
    """Straight to PostgreSQL, past every proxy; as the server's own user."""
    redis_admin_url: str = field(repr=False)
    """Straight to Valkey, with all rights."""

    @property
    def database_socket(self) -> Path:
        """Where a proxy reaches PostgreSQL."""
        return self.folders.run / f".s.PGSQL.{postgres.PORT}"

    @property
    def redis_socket(self) -> Path:
        """Where a proxy reaches Valkey."""
        return self.folders.run / valkey.SOCKET

    def database_url_at(self, port: int) -> str:
        """The address behind a proxy that listens on that port."""
        password = self.folders.secret("postgres-liveserver")
        return f"postgresql://{postgres.APP_USER}:{password}@127.0.0.1:{port}/{postgres.DATABASE}?sslmode=disable"

    def redis_url_at(self, port: int) -> str:
        """The address behind a proxy that listens on that port."""
        password = self.folders.secret(valkey.secret_name(valkey.APP_USER))
        return f"redis://{valkey.APP_USER}:{password}@127.0.0.1:{port}/0"

    async def empty_valkey(self) -> None:
        """Valkey dies, its files are deleted, and it starts with nothing."""
        home = self.valkey.home
        await self.valkey.kill()
        shutil.rmtree(home / "appendonlydir")
        await self.valkey.start()


@asynccontextmanager
async def engines_in(
    data_dir: Path,
    *,
    postgres_environment: Mapping[str, str] | None = None,
    valkey_environment: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
) -> AsyncGenerator[Engines]:
    """Both engines on that folder, until the end of the block. Raises EngineError when one cannot start."""
    async with AsyncExitStack() as stack:
        folders = stack.enter_context(prepared(data_dir))

        async def valkey_recipe() -> Recipe:
            return valkey.recipe(folders)

        database = EngineProcess(lambda: postgres.recipe(folders, say), postgres_environment or {}, say)
        redis = EngineProcess(valkey_recipe, valkey_environment or {}, say)
        for engine in (database, redis):
            stack.push_async_callback(engine.stop)
            await engine.start()
        await postgres.ensure_database(folders)
        yield Engines(folders, database, redis, postgres.url(folders), valkey.url(folders, valkey.ADMIN_USER))
