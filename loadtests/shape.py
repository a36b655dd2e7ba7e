"""How many people of which kind there are at which moment of a run: locust's shape, made of the scenario and -u, -r, -t."""

import logging
from typing import Any

from locust import LoadTestShape

from loadtests.loopback import NotThisMachine, target
from loadtests.people import Bidder, Chatter, Viewer
from loadtests.scenarios import SCENARIOS, users_at

USERS = 60
"""When -u is not given; locust alone would start one."""
STARTS_PER_S = 50.0
SECONDS = 60
log = logging.getLogger(__name__)


class Crowd(LoadTestShape):
    """Follows the scenario; ends at once for a server of another machine, else after the run time (-t), 60 s unless given."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None, "locust sets it before the first tick"
        options: Any = self.runner.environment.parsed_options
        scenario, run_s, at_s = SCENARIOS[options.scenario], options.run_time or SECONDS, self.get_run_time()
        if at_s >= run_s:
            return None
        try:
            target(self.runner.environment.host)
        except NotThisMachine as error:  # the web form may name another host than the command line did
            log.error("%s Nobody sets out.", error)
            return None
        for kind, share in (
            (Viewer, scenario.viewers),
            (Chatter, scenario.chatters),
            (Bidder, scenario.bidders),
        ):
            # Locust divides by the sum, and its heap needs more than nothing.
            kind.weight = max(share, 0.0001)
        users = users_at(scenario, options.num_users or USERS, int(run_s), at_s)
        return users, options.spawn_rate or STARTS_PER_S
