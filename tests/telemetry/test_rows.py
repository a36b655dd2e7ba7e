"""What PostgreSQL says of a row that it refuses holds people's names and addresses, and stays out of the log."""

import io
import logging
from collections.abc import Iterator
from typing import Literal

import asyncpg
import pytest
import structlog

from liveserver.infra.database import Pool
from liveserver.infra.telemetry import set_up_logging

FORMS: tuple[Literal["json", "console"], ...] = ("json", "console")
ADDRESS = (
    "INSERT INTO addresses (id, person, name, line1, line2, city, region, postal_code, country, phone, usual, created_ts) "
    "VALUES ('adr_1', 'user_1', 'Bea (B.)', E'Gasse 1\\n2nd floor', '', 'Bern', '', '3011', $1, '', false, 1)"
)


@pytest.fixture(params=FORMS)
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging("info", request.param, stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("countries", [["ch"], ["CH", "CH"]])
async def test_a_refused_row_is_not_written_down(pool: Pool, log: io.StringIO, countries: list[str]):
    """By a check, which shows all of the row, and by a key that is there already."""
    try:
        for country in countries:
            await pool.execute(ADDRESS, country)
    except asyncpg.IntegrityConstraintViolationError:
        logging.getLogger("liveserver").exception("job_dead")
    said = log.getvalue()
    assert "IntegrityConstraint" in said or "Violation" in said
    assert "DETAIL:  ***" in said
    assert not [private for private in ("Bea", "Gasse", "2nd floor", "3011", "adr_1") if private in said]
