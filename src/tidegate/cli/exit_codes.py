"""Exit codes: denied is a result, and is told from what could not be found out."""

from enum import IntEnum

from tidegate.domain.errors import (
    NotInRegistryError,
    TidegateError,
    UnavailableError,
    UntrustedError,
)


class ExitCode(IntEnum):
    """What a script may rely on; docs/reference/cli.md lists them."""

    ALLOWED = 0
    """Done; of a verdict: allowed, with or without warnings."""
    DENIED = 1
    """The verdict is no; of `verify`: no verified report."""
    BAD_INPUT = 2
    """What was given cannot be used."""
    COULD_NOT_FIND_OUT = 3
    """Something outside did not answer; the same again later may work."""


def exit_code_of(error: TidegateError) -> ExitCode:
    """Return the exit code that `error` ends a command with."""
    if isinstance(error, NotInRegistryError):
        return ExitCode.BAD_INPUT  # that there is no such thing is certain
    # What a registry sends that is not what it promised settles nothing either.
    if isinstance(error, UnavailableError | UntrustedError):
        return ExitCode.COULD_NOT_FIND_OUT
    return ExitCode.BAD_INPUT
