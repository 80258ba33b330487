"""50 examples at every run; TIDEGATE_EXAMPLES raises it for a nightly run."""

import os

from hypothesis import settings

settings.register_profile(
    "laws", max_examples=int(os.environ.get("TIDEGATE_EXAMPLES", "50")), deadline=None
)
settings.load_profile("laws")
