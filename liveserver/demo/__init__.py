"""The demo: shows, things and people that make a server look alive within seconds of its start.

It stands beside storefront and gateway: it seeds records through the services, and its people are ordinary clients of the
WebSocket. It has no way into a room that a visitor does not have.
"""

from liveserver.demo.run import run_demo
from liveserver.demo.seed import Seeded, SignIn, seed
from liveserver.demo.services import DemoServices

__all__ = ["DemoServices", "Seeded", "SignIn", "run_demo", "seed"]
