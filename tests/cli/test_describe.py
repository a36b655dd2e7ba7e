"""docs/operating/reference.md says what the code says."""

from liveserver.cli.describe import TARGET, reference


def test_the_operators_reference_is_current():
    assert TARGET.read_text(encoding="utf-8") == reference(), "run: python -m liveserver.cli.describe"
