"""Row 16: what a rule or a manifest says costs time by its length, whatever stands in it.

Each text would take a backtracking matcher years; the bound leaves room for a loaded machine.
"""

import time
from collections.abc import Callable

import pytest

from tidegate.domain.errors import InvalidReferenceError
from tidegate.domain.glob import glob_matches, glob_matches_extensions
from tidegate.domain.reference import parse_reference

BOUND_S = 2.0


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("*a" * 500 + "b", "a" * 4000, id="many-stars"),
        pytest.param("*" * 4000 + "b", "a" * 4000, id="only-stars"),
        pytest.param("*ab" * 300 + "*c*", "ab" * 2000, id="overlaps"),
    ],
)
def test_t16_a_glob_of_many_stars_costs_linear_time(pattern: str, text: str) -> None:
    assert seconds(lambda: glob_matches(pattern, text)) < BOUND_S
    assert not glob_matches(pattern, text)
    assert seconds(lambda: glob_matches_extensions(pattern, text)) < BOUND_S


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 5000 + "!", id="long-name"),
        pytest.param("a." * 5000 + "!", id="dots"),
        pytest.param("a_" * 5000 + "!/" * 100, id="separators"),
        pytest.param("a/" * 5000 + "!", id="slashes"),
        pytest.param("a:" * 5000, id="colons"),
        pytest.param("a-" * 5000 + "@sha256:" + "0" * 64, id="with-a-digest"),
    ],
)
def test_t16_a_hostile_reference_is_refused_in_linear_time(text: str) -> None:
    def refused() -> None:
        with pytest.raises(InvalidReferenceError):
            parse_reference(text)

    assert seconds(refused) < BOUND_S
