"""How many examples laws are tried on: few at every run, `TIDEGATE_EXAMPLES` says how many more.

`make check` tries 25 of each law, `make test` 100, a nightly run as many as it likes. A law that
needs more than others to be worth trying names its count at 50, and it goes up and down with these.
"""

import os

AT_LEAST = int(os.environ.get("TIDEGATE_EXAMPLES", "25"))


def examples(count: int) -> int:
    """Return how many examples a law gets now that has `count` where others have 50."""
    return max(10, count * AT_LEAST // 50)
