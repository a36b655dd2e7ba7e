"""`liveserver reconcile` against a database of its own: clean at first, and a difference is said and is the exit code."""

import json

import pytest
from click.testing import CliRunner, Result

from liveserver.cli.main import main
from liveserver.cli.reconcile import print_report
from liveserver.payouts.model import Difference, Report


def report(**more: object) -> Report:
    given: dict[str, object] = {
        "provider": "stripe",
        "since_ts": 1_800_000_000_000,
        "until_ts": 1_800_086_400_000,
        "made_ts": 1_800_090_000_000,
        "transactions": 12,
        "matched": 12,
        "posted": 3,
        "found": 0,
        "differences": (),
        "unsound": (),
        "pending_ts": None,
        "complete": True,
    }
    return Report(**{**given, **more})  # type: ignore[arg-type] # fields by name


def test_a_clean_report(capsys: pytest.CaptureFixture[str]):
    print_report(report())
    told = capsys.readouterr()
    assert "the books say the same, 2027-01-15 08:00 to 2027-01-16 08:00" in told.out
    assert "12 lines of stripe" in told.out


def test_a_report_with_differences(capsys: pytest.CaptureFixture[str]):
    one = Difference(
        kind="missing_here", type="charge", object="ch_1", order="", currency="USD", here=None, there=-5_413, ts=1_800_000_000_000
    )  # fmt: skip
    yen = Difference(
        kind="differs", type="refund", object="re_1", order="", currency="JPY", here=5, there=0, ts=1_800_000_000_000
    )  # fmt: skip
    print_report(report(found=9, differences=(one, yen), unsound=("escrow holds 3",), complete=True))
    told = capsys.readouterr().err
    assert "9 things differ" in told
    assert "missing here   charge             ch_1  here nothing, there -54.13 USD" in told
    assert "here 5, there 0 JPY" in told
    assert "unsound        escrow holds 3" in told
    assert "and 6 more" in told


def test_the_command(database_url: str, redis_url: str):
    def asks(*words: str) -> Result:
        environment = {"LIVESERVER_DATABASE_URL": database_url, "LIVESERVER_REDIS_URL": redis_url}
        return CliRunner().invoke(main, ["reconcile", *words], env=environment)

    clean = asks("--format", "json", "--since", "2026-11-01")
    assert clean.exit_code == 0, clean.output
    assert json.loads(clean.stdout)["found"] == 0
    assert asks("--since", "yesterday").exit_code == 2
