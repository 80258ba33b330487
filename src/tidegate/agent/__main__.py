"""`python -m tidegate.agent`: serve; settings are read from `TIDEGATE_AGENT_*`."""

import sys

from tidegate.agent.server import serve
from tidegate.agent.settings import read_settings
from tidegate.domain.errors import ConfigurationError


def main() -> int:
    """Serve; return the exit code."""
    try:
        serve(read_settings())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
