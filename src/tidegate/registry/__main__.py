"""`python -m tidegate.registry`: serve; `… hash-password USER`: make a line of the users file."""

import getpass
import sys

from tidegate.domain.errors import ConfigurationError
from tidegate.registry.auth import hash_password, parse_users
from tidegate.registry.server import serve
from tidegate.registry.settings import settings_from_environment

USAGE = """usage: python -m tidegate.registry
           serve; settings are read from TIDEGATE_REGISTRY_*
       python -m tidegate.registry hash-password USER
           read a password from standard input, print a line of the users file
"""


def main(arguments: list[str]) -> int:
    """Run the command; return the exit code."""
    try:
        match arguments:
            case []:
                serve(settings_from_environment())
            case ["hash-password", user]:
                _print_user(user)
            case _:
                sys.stderr.write(USAGE)
                return 2
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _print_user(user: str) -> None:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise ConfigurationError("password: empty; want it on standard input")
    line = f"{user}:{hash_password(password)}"
    parse_users(line, "user")
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
