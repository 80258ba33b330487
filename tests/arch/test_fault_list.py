"""`make faults` can take out every guard of its list, and run the tests that must miss it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GUARDS: list[dict[str, Any]] = tomllib.loads((ROOT / "tests" / "faults.toml").read_text())["guard"]


def test_every_guard_has_a_name_of_its_own() -> None:
    names = [guard["name"] for guard in GUARDS]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("guard", [pytest.param(guard, id=guard["name"]) for guard in GUARDS])
def test_a_guard_stands_where_the_list_says(guard: dict[str, Any]) -> None:
    count = (ROOT / guard["file"]).read_text().count(guard["find"])
    assert count == 1, f"its text stands {count} times; bring tests/faults.toml up to date"
    assert guard["find"] != guard["replace"]
    assert guard["tests"]
    for test in guard["tests"]:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists(), test
        assert not name or re.search(rf"def {name}\b", (ROOT / path).read_text()), test
