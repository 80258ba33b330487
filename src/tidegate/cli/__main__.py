"""`tidegate`: runs the command line and turns what went wrong into words and an exit code."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tidegate.cli.app import app
from tidegate.cli.context import World
from tidegate.cli.exit_codes import exit_code_of
from tidegate.cli.output import flush_out, print_notes
from tidegate.cli.settings import read_settings
from tidegate.domain.errors import TidegateError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    world = World(read_settings(), lambda: datetime.now(UTC))
    try:
        app(args=arguments, prog_name="tidegate", obj=world)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except TidegateError as error:
        print_notes(f"Error: {error}")
        return exit_code_of(error)
    finally:
        flush_out()
    return 0


if __name__ == "__main__":
    sys.exit(main())
