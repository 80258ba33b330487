"""How much of a registry's time and bytes we take."""

from dataclasses import dataclass

from tidegate.wire.json_depth import MAX_JSON_DEPTH


@dataclass(frozen=True, slots=True)
class RegistryLimits:
    """Bounds on everything that a registry answers; past one, the answer is refused, never cut."""

    max_manifest_bytes: int = 4 * 2**20
    """Registries should take manifests of at least 4 megabytes (distribution-spec, "Pushing
    Manifests"); no larger one is read."""

    max_blob_bytes: int = 32 * 2**20
    """Largest blob held in memory: a statement (THREATS, "Limits")."""

    max_referrers: int = 1000
    """Referrers of one subject (THREATS, "Limits"); there is no cap that hides the rest."""

    max_referrer_pages: int = 20
    """Pages followed through `Link: rel="next"` (THREATS, "Limits")."""

    max_referrer_bytes: int = 8 * 2**20
    """All pages of one list together: 1,000 entries of a kilobyte, eight times over."""

    max_tags: int = 10_000
    """Tags of one repository that are listed."""

    max_repositories: int = 100_000
    """Repositories of one registry that are listed."""

    max_catalogue_bytes: int = 32 * 2**20
    """All pages of one list of repositories: a hundred thousand of the longest names."""

    max_token_bytes: int = 64 * 2**10
    """A token server's answer; the largest seen in the wild are a few kilobytes."""

    max_error_bytes: int = 64 * 2**10
    """Body of an error that is read so that the connection can be used again."""

    max_redirects: int = 3
    """Redirects followed for one blob."""

    json_depth: int = MAX_JSON_DEPTH
    """Deepest nesting of an answer (THREATS, "Limits")."""

    read_timeout_s: float = 2.0
    """One manifest, page, token or blob in memory, from the connection to its last byte
    (PRODUCT, "Failure behaviour")."""

    write_timeout_s: float = 15.0
    """One manifest pushed, upload begun or manifest deleted; on object storage that takes seconds,
    and nobody's admission waits for it."""

    transfer_idle_s: float = 10.0
    """Longest pause within a transfer from or to a file."""

    transfer_timeout_s: float = 900.0
    """One transfer from or to a file: 10 GiB at 100 Mbit/s."""

    max_connections: int = 32
    """Connections to one registry at a time."""

    keep_alive_s: float = 45.0
    """How long an idle connection is kept; common servers close theirs after a minute."""
