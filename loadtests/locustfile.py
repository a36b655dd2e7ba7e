"""The file locust is started with: options, the loopback rule, and what a run came to. See README.md.

Behaviour is elsewhere: `people` acts, `shape` says how many, `evening` looks after them, `verdict` judges.
"""

import functools
import logging
import sys
from typing import Any, NoReturn

import msgspec
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import LocalRunner, WorkerRunner
from locust.stats import StatsEntry

from loadtests.evening import Evening
from loadtests.loopback import NotThisMachine, target
from loadtests.passes import NoPass, Passes
from loadtests.people import Bidder, Chatter, Host, Viewer
from loadtests.scenarios import SCENARIOS
from loadtests.shape import SECONDS, STARTS_PER_S, USERS, Crowd
from loadtests.show import NoShow, new_show
from loadtests.verdict import Figure, Verdict, judge

__all__ = ["Bidder", "Chatter", "Crowd", "Host", "Viewer"]  # what locust looks for

BAD_USAGE = 2
log = logging.getLogger(__name__)


@events.init_command_line_parser.add_listener
def options(parser: LocustArgumentParser, **_: Any) -> None:
    """Adds ours, and defaults that make a first run one of some use."""
    group = parser.add_argument_group("liveserver")
    group.add_argument(
        "--scenario",
        choices=[*SCENARIOS],
        default="quiet",
        env_var="LIVESERVER_LOAD_SCENARIO",
        help="; ".join(f"{each.name}: {each.asks}" for each in SCENARIOS.values()).replace("%", "%%"),
    )
    group.add_argument(
        "--show",
        default="",
        env_var="LIVESERVER_LOAD_SHOW",
        help="Id of the show to put under load; without it one is made (needs the server's JWT secret, see README.md).",
    )
    parser.set_defaults(num_users=USERS, spawn_rate=STARTS_PER_S, run_time=f"{SECONDS}s")


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Refuses what can't or must not be done, before a single packet; makes the show if none is named."""
    given: Any = environment.parsed_options
    try:
        if given.worker and given.master_host:
            target(f"http://{given.master_host}")
        goal, passes = target(environment.host), Passes.of()
        if Host in environment.user_classes:
            passes.host()
        if {Bidder, Chatter} & set(environment.user_classes):
            passes.person("", 0)
        if not given.show:
            if not isinstance(environment.runner, LocalRunner):
                raise NoShow("Several load processes need --show, or each would make one of its own.")
            given.show = new_show(goal, passes.host())
            log.info("made show %s", given.show)
    except (NotThisMachine, NoPass, NoShow) as error:
        _refuse(str(error), error)
    except OSError as error:
        _refuse(f"No server answers at {environment.host}: {error}", error)


def _refuse(why: str, error: Exception) -> NoReturn:
    print(f"load: {why}", file=sys.stderr)
    raise SystemExit(BAD_USAGE) from error


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    try:
        Evening.begin(environment)
    except NotThisMachine as error:  # `shape` does not let it come to this; workers trust nobody
        log.error("%s Nobody sets out.", error)


@events.test_stopping.add_listener
def last_look(environment: Environment, **_: Any) -> None:
    if (evening := Evening.of(environment)) is not None:
        evening.last_look()


@events.test_stop.add_listener
def end(environment: Environment, **_: Any) -> None:
    evening = Evening.of(environment)
    if evening is None or evening.over:
        return
    evening.end()
    given: Any = environment.parsed_options
    if not isinstance(environment.runner, WorkerRunner) and not given.headless:
        print(verdict(environment, evening))


@events.quitting.add_listener
def decide(environment: Environment, **_: Any) -> None:
    """The exit code: 0 only if nothing failed and the scenario's question was put."""
    given: Any = environment.parsed_options
    evening = Evening.of(environment)
    if evening is None:
        environment.process_exit_code = BAD_USAGE
    elif given.headless and not isinstance(environment.runner, WorkerRunner):
        made = verdict(environment, evening)
        environment.process_exit_code = 0 if made.passed else 1
        # After locust's own tables, so that it is the last thing read.
        events.quit.add_listener(functools.partial(_say, made))


def _say(made: Verdict, **_: Any) -> None:
    print(f"\n{made}")


def verdict(environment: Environment, evening: Evening) -> Verdict:
    """Of what the statistics hold now."""
    failures = {f"{e.name}: {e.error}": e.occurrences for e in environment.stats.errors.values()}
    if environment.runner is not None:
        failures |= {str(e["msg"]): e["count"] for e in environment.runner.exceptions.values()}
    # Who leaves some of the people away (`locust … Viewer`) asks a question of their own.
    everybody = {Bidder, Chatter, Host, Viewer} <= set(environment.user_classes)
    return judge(
        evening.scenario if everybody else msgspec.structs.replace(evening.scenario, must=()),
        map(_figure, environment.stats.entries.values()),
        failures,
        evening.cpu_share if isinstance(environment.runner, LocalRunner) else None,
    )


def _figure(entry: StatsEntry) -> Figure:
    times: list[float | None] = [None] * 4
    if entry.response_times:
        times = [*map(entry.get_response_time_percentile, (0.5, 0.95, 0.99)), entry.max_response_time]
    count, failed = entry.num_requests, entry.num_failures
    return Figure(entry.method, entry.name, count, failed, entry.total_rps, *times)
