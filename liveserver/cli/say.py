"""How commands speak to people: progress on stderr, results on stdout, failures as what, where and how to mend it.

It knows no command. Exit codes are part of the contract with scripts and stand here.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager

import click

from liveserver.config import Problem
from liveserver.kernel.errors import Mendable

EXIT_FAILED = 1
"""The command could not do it, or found what it was asked to look for (a failing check, a difference)."""
EXIT_USAGE = 2
"""Called wrongly, or settings that the server can't start with. click uses the same."""

EXIT_CODES = (
    "Exit codes: 0 done; 1 failed, or a check or comparison found something; 2 called or configured wrongly."
)


def progress(text: str) -> None:
    """One line about what is going on, to stderr so that stdout stays clean for results."""
    click.echo(f"{click.style('·', fg='cyan')} {text}", err=True)


def warn(text: str) -> None:
    """One line about something that should be mended but does not stop us."""
    click.echo(f"{click.style('!', fg='yellow', bold=True)} {text}", err=True)


def fail(what: str, where: str = "", mend: str = "") -> None:
    """A failure as people can use it; the caller decides about the exit code."""
    click.echo(f"{click.style('✗', fg='red', bold=True)} {what}", err=True)
    if where:
        click.echo(f"  where: {where}", err=True)
    if mend:
        click.echo(f"  mend:  {mend}", err=True)


@contextmanager
def friendly() -> Generator[None]:
    """Turns failures that an operator can mend into words and an exit code; everything else keeps its traceback."""
    try:
        yield
    except Problem as problem:
        for line in problem.lines:
            fail(line)
        click.echo("`liveserver config` lists every setting with its bounds.", err=True)
        sys.exit(EXIT_USAGE)
    except Mendable as error:
        fail(error.what, error.where, error.mend)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        sys.exit(130)
