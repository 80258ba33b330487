"""Bounds on what gathering evidence takes from the world and keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvidenceLimits:
    """Past one of these an image is unavailable (limits exceeded), never judged by a part."""

    max_artifacts: int = 100
    """Possible findings artifacts opened per manifest. Ours keeps five per scanner."""

    max_platforms: int = 64
    """Platforms of one index; the largest official images have about ten."""

    max_parallel_reads: int = 16
    """Artifacts read at a time from one registry, over all reviews."""

    max_eager_statement_bytes: int = 2**20
    """A statement up to this size is fetched beside the signatures; a larger one after they
    verify, so that unsigned files cannot make the gate fetch much."""

    flight_timeout_s: float = 10.0
    """One manifest's evidence, or what one reference means: longer than a review waits, so that
    the next one finds it."""

    refresh_wait_s: float = 0.5
    """How long a review that has a report waits for a newer one; the question goes on."""

    refresh_busy_s: float = 60.0
    """From this age on a report is asked for again though its registry is busy; before it, those
    of which nothing is known come first."""

    refresh_ahead: float = 0.3
    """The last part of the time for which an answer is used; one in use is asked for anew within
    it, so that reviews seldom wait. Each has its own moment: all at once would hold reviews up."""

    max_cached_reports: int = 4096
    """Verified reports held in memory."""

    max_cached_bytes: int = 48 * 2**20
    """Estimated memory of them; the gate's budget is 80 MiB idle (ARCHITECTURE, "Stack")."""

    fresh_s: float = 5.0
    """How long a report is used before the registry is asked for a newer one."""

    negative_s: float = 2.0
    """How long "no report" is used; errors are not kept at all."""

    tag_s: float = 1.0
    """How long a tag is taken for the digest that it resolved to."""
