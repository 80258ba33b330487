"""Who is affected by what: at least a hundred facts, half of them "no"."""

import pytest

from support.advisory_table import Row, records, rows
from tidegate.advisories.demo import AdvisorySet
from tidegate.advisories.osv import parse_advisory

ROWS = rows()
KNOWN = AdvisorySet("golden", map(parse_advisory, records()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.advisory}-{row.package}@{row.version}")
def test_the_matcher_agrees_with_the_table(row: Row) -> None:
    assert row.affected in {"yes", "no"}
    assert row.is_found_in(KNOWN) is (row.affected == "yes"), row.why


def test_the_table_is_large_and_half_of_it_says_no() -> None:
    assert len(ROWS) >= 100
    assert sum(row.affected == "no" for row in ROWS) * 2 >= len(ROWS)
    assert len({(row.package, row.version, row.advisory) for row in ROWS}) == len(ROWS)


def test_each_row_says_why_it_is_there_and_where_the_fact_is_stated() -> None:
    assert all(row.why and row.statement.startswith("https://") for row in ROWS)
    assert {row.checked for row in ROWS} <= {"dump", "read", "known"}


@pytest.mark.parametrize(
    "kind", ["backported", "epoch", "withdrawn", "branch", "never affected", "beta"]
)
def test_every_kind_of_no_is_there(kind: str) -> None:
    assert any(kind in row.why and row.affected == "no" for row in ROWS)
