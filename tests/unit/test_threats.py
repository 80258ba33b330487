"""The page of threats names tests that exist, and the rows that must be held are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "threats.md").read_text("utf-8")
SOURCES = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
TESTS = frozenset(
    name
    for body in SOURCES
    for name in re.findall(r"^(?:async )?def (test_\w+)", body, re.MULTILINE)
)
MUST_BE_HELD = (1, 2, 3, 4, 5, 6, 16, 17, 24)


def rows() -> Iterator[tuple[int, list[str]]]:
    """Yield each row's number and the tests that it names."""
    for line in re.findall(r"^\| \d.*$", PAGE, re.MULTILINE):
        number, *_, held_by = line.strip("| ").split(" | ")
        yield int(number), re.findall(r"`(test_\w+)`", held_by)


ROWS = dict(rows())


def test_rows_stand_once_and_in_order() -> None:
    numbers = [number for number, _ in rows()]
    assert numbers == sorted(set(numbers))
    assert set(MUST_BE_HELD) <= set(numbers)


@pytest.mark.parametrize("number", ROWS)
def test_a_row_names_tests_that_exist_and_carry_its_number(number: int) -> None:
    named = ROWS[number]
    assert named
    assert [name for name in named if name not in TESTS] == []
    assert [name for name in named if not name.startswith(f"test_t{number:02}_")] == []


def cases() -> Iterator[tuple[str, str]]:
    """Yield each case of hostile evidence with the tests that try it, as the page has them."""
    _, _, section = PAGE.partition("## Hostile evidence, case by case")
    for line in re.findall(r"^\| .*$", section, re.MULTILINE):
        case, _, held_by = line.strip("| ").split(" | ")
        if held_by != "tried by":
            yield case, held_by


CASES = dict(cases())
MEASURES = ("tracemalloc", "ru_maxrss")


def test_every_case_of_hostile_evidence_is_on_the_page() -> None:
    assert len(CASES) == len(list(cases())) == 21


@pytest.mark.parametrize("held_by", CASES.values(), ids=CASES)
def test_a_case_names_tests_that_exist_and_measure_where_it_says(held_by: str) -> None:
    named = re.findall(r"`(test_\w+)`( †)?", held_by)
    assert named
    assert [name for name, _ in named if name not in TESTS] == []
    for name in (name for name, marked in named if marked):
        (holder,) = (body for body in SOURCES if re.search(rf"def {name}\b", body))
        assert any(word in holder for word in MEASURES), name


def test_every_row_that_has_tests_is_on_the_page() -> None:
    numbers = {int(found[1]) for name in TESTS if (found := re.match(r"test_t(\d\d)_", name))}
    assert sorted(numbers - ROWS.keys()) == []
