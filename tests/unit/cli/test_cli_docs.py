from pathlib import Path

from tidegate.cli.docs import MEANINGS, render_reference
from tidegate.cli.exit_codes import ExitCode

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def test_the_reference_is_what_the_help_says() -> None:
    assert PAGE.read_text() == render_reference(), (
        "run: python -m tidegate.cli.docs > docs/reference/cli.md"
    )


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)
