"""What the recovery matrix takes for an order, and for a cluster that came up."""

import pytest

from recovery import rows
from recovery.probing import Came, Record, Sight


def test_orders_differ_only_where_two_that_speak_change_places() -> None:
    orders = rows.orders()
    assert len(orders) == 12
    assert {order[-1] for order in orders} == set(rows.PARTS)


RIGHT, REFUSED, AWAY, WRONG = (
    (Came.ADMITTED, Came.DENIED),
    (Came.REFUSED, Came.REFUSED),
    (Came.UNASKED, Came.UNASKED),
    (Came.ADMITTED, Came.ADMITTED),
)


@pytest.mark.parametrize(
    ("seen", "since_s", "refused", "let_in"),
    [
        pytest.param([RIGHT] * 3, 1.5, 0, 0, id="right throughout"),
        pytest.param([AWAY, REFUSED, RIGHT, RIGHT, RIGHT], 3.5, 1, 0, id="right at last"),
        pytest.param([RIGHT, RIGHT], None, 0, 0, id="not for long enough"),
        pytest.param([RIGHT] * 3 + [REFUSED], None, 1, 0, id="not any more"),
        pytest.param([WRONG] + [RIGHT] * 3, 2.5, 0, 1, id="let in at first"),
    ],
)
def test_right_is_what_stays_right(
    seen: list[tuple[Came, Came]], since_s: float | None, refused: int, let_in: int
) -> None:
    looks = [Sight(n, n + 0.5, good, bad, "") for n, (good, bad) in enumerate(seen, start=1)]
    before = Sight(0.0, 0.5, *RIGHT, "")
    record = Record([before, *looks])
    assert record.right_since(1.0) == since_s
    assert (record.refused, record.let_in) == (refused, let_in)
