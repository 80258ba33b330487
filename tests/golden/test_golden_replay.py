"""What a real API server once sent is answered as it was found right, to the letter."""

import json
from pathlib import Path

import pytest

from support.golden import FOLDER, replay

CASES = sorted(path.parent for path in FOLDER.glob("*/review.json"))


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
async def test_a_golden_case_is_answered_as_recorded(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    assert await replay(folder) == expected


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 10
