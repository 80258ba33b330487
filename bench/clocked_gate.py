"""The gate with a wall clock that is off by what a file says: `clocked_gate.py FILE`.

`server.utc_now` is the one place where a gate reads the wall clock; it is replaced before anything
else of the gate is loaded. libfaketime, which fakes the clock below Python, stalled a gate whose
offset was zero after some seconds (0.9.10), so it cannot tell what a wrong clock does.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tidegate.gate import server

OFFSET = Path(sys.argv[1])


def off_clock() -> datetime:
    """Return what a clock shows that is off by the seconds in `OFFSET`."""
    return datetime.now(UTC) + timedelta(seconds=int(OFFSET.read_text()))


server.utc_now = off_clock

if __name__ == "__main__":
    from tidegate.gate.__main__ import main

    sys.exit(main())
