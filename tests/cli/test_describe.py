"""docs/operating/reference.md and metrics.md say what the code says."""

from liveserver.cli.describe import METRICS, TARGET, metrics_reference, reference


def test_the_operators_reference_is_current():
    assert TARGET.read_text(encoding="utf-8") == reference(), "run: python -m liveserver.cli.describe"


def test_the_reference_of_metrics_is_current():
    assert METRICS.read_text(encoding="utf-8") == metrics_reference(), (
        "run: python -m liveserver.cli.describe"
    )
