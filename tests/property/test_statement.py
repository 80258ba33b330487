"""Laws of the findings statement.

What is written is read back as the same value; bytes from a stranger are either a statement or
refused by one of our own errors.
"""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from support.statements import json_values, statements
from tidegate.domain.errors import InputError, LimitExceededError
from tidegate.wire.statement_v1 import Statement, parse_statement, render_statement


@given(statements)
def test_a_statement_survives_writing_and_reading(statement: Statement) -> None:
    assert parse_statement(render_statement(statement)) == statement


@given(statements, st.data())
def test_a_statement_with_any_part_replaced_is_read_or_refused(
    statement: Statement, data: st.DataObject
) -> None:
    document = json.loads(render_statement(statement))
    place = document
    while isinstance(place, dict) and place:
        key = data.draw(st.sampled_from(sorted(place)))
        if data.draw(st.booleans()):
            place[key] = data.draw(json_values)
            break
        place = place[key]
    _read_or_refuse(json.dumps(document).encode())


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    _read_or_refuse(body)


def _read_or_refuse(body: bytes) -> None:
    with suppress(InputError, LimitExceededError):
        parse_statement(body)
