"""What `liveserver doctor` looks at: one list of checks, each of which says how to mend what it finds.

A new check is one function in one of these modules and one line here.
"""

from liveserver.cli.checks import address, engines, machine, redis, settings, video
from liveserver.cli.checks.model import Check

CHECKS: tuple[Check, ...] = (
    Check("settings", "Every setting is known and valid.", settings.known),
    Check("safety", "Settings are safe for where the server listens.", settings.safe),
    Check("video", "The LiveKit server is named in full, and safely.", video.named),
    Check("python", "Python and the event loop are the ones we are fast on.", machine.python),
    Check("files", "Enough files may be open for the connections allowed.", machine.files),
    Check("disk", "The data directory has room.", machine.disk),
    Check("port", "The port is free, or liveserver is what listens there.", address.port),
    Check("engines", "PostgreSQL and Valkey start, or can be reached.", engines.start),
    Check("postgresql", "PostgreSQL is new enough and keeps what it acknowledges.", engines.postgresql),
    Check("migrations", "The database has this release's tables.", engines.migrations),
    Check("redis", "Redis or Valkey keeps what it acknowledges, and evicts nothing.", redis.keeping),
    Check("redis-rights", "The server's Redis user can do what it must, and no more.", redis.rights),
    Check(
        "redis-replicas", "All slots are served, and by as many replicas as bids wait for.", redis.replicas
    ),
    Check("clocks", "This machine, PostgreSQL and Redis agree on the time.", engines.clocks),
    Check("websocket", "The WebSocket answers at the public address.", address.websocket),
)
"""In the order in which they are run and printed: what later ones depend on comes first."""
