"""`python -m tidegate.hub [migrate | openapi]`: serve, only migrate, or describe the API."""

import sys
from collections.abc import Sequence

from tidegate.domain.errors import ConfigurationError, UnavailableError
from tidegate.hub.app import openapi_document
from tidegate.hub.server import migrate_only, serve
from tidegate.hub.settings import read_settings
from tidegate.process import configure_logs

USAGE = "usage: python -m tidegate.hub [migrate | openapi]\n"


def main(arguments: Sequence[str]) -> int:
    """Run the hub; return the exit code."""
    if list(arguments) not in ([], ["migrate"], ["openapi"]):
        sys.stderr.write(USAGE)
        return 2
    if list(arguments) == ["openapi"]:
        sys.stdout.write(openapi_document().decode())
        return 0
    configure_logs()
    try:
        settings = read_settings()
        if arguments:
            migrate_only(settings)
            return 0
        return serve(settings)
    except ConfigurationError as error:
        sys.stderr.write(f"tidegate hub: {error}\n")
        return 2
    except UnavailableError as error:
        sys.stderr.write(f"tidegate hub: {error}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
