"""What workers do, and by whose turn: scans, matching anew, registries."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
    true,
)

from tidegate.hub.store.schema.conventions import PLACE, metadata

_UNFINISHED = text("state IN ('queued', 'leased')")

jobs = Table(
    "jobs",
    metadata,
    Column("seq", PLACE, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("registry", String(261), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("digest", String(160), nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("attach", Boolean, nullable=False, server_default=true()),
    Column("kind", String(8), nullable=False, server_default="scan"),
    # The least is first; see `store.jobs.Priority`.
    Column("priority", Integer, nullable=False, server_default="2"),
    Column("state", String(8), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("not_before", String(32), nullable=False),
    Column("lease_hash", String(64), nullable=False),
    Column("lease_expires_at", String(32), nullable=False),
    Column("worker", String(128), nullable=False),
    Column("error", Text, nullable=False),
    Column("requested_by", String(256), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("finished_at", String(32), nullable=False),
    Index(None, "state", "not_before"),
    Index(None, "state", "priority", "not_before"),
    Index(None, "kind", "created_at"),
    # One unfinished job per digest: the same push told twice is scanned once.
    Index(
        "uq_jobs_unfinished",
        "registry",
        "repository",
        "digest",
        unique=True,
        sqlite_where=_UNFINISHED,
        postgresql_where=_UNFINISHED,
    ),
    sqlite_autoincrement=True,
)

# Images that wait to be matched again, scanned again or for their report, as bitmaps; see
# `store.due`.
images_due = Table(
    "images_due",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("images", LargeBinary),
)

# The advisories that count, and how far the packages have been matched by them.
advisory_pass = Table(
    "advisory_pass",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("state", String(64), nullable=False),
    Column("rank", String(80), nullable=False),
    # Package names that are looked at, packed JSON; null: all.
    Column("names", LargeBinary),
    # The page that is out, up to and with the last place; then the place after which to go on.
    Column("after_name", String(512), nullable=False),
    Column("after_id", Integer, nullable=False),
    Column("until_name", String(512), nullable=False),
    Column("until_id", Integer, nullable=False),
    Column("lease_hash", String(64), nullable=False),
    Column("lease_expires_at", String(32), nullable=False),
    Column("started_at", String(32), nullable=False),
    # Empty while it goes on.
    Column("finished_at", String(32), nullable=False),
    Column("matched", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("affected", Integer, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

advisory_workers = Table(
    "advisory_workers",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("state", String(64), nullable=False),
    Column("told_at", String(32), nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("last_seen_at", String(32), nullable=False),
    Column("version", String(128), nullable=False),
    Column("key_fingerprint", String(128), nullable=False),
    Column("registries", Text, nullable=False),
    Column("advisories", Text, nullable=False),
    # PEM; what credentials for this worker are sealed by.
    Column("sealing_key", Text, nullable=False, server_default=""),
)

evidence_keys = Table(
    "evidence_keys",
    metadata,
    Column("fingerprint", String(128), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("last_used_at", String(32), nullable=False),
)

# Registries that administrators configured for the workers. Credentials are sealed: the hub cannot
# read them. A worker tests or looks through one under a lease, like a job's.
registry_settings = Table(
    "registry_settings",
    metadata,
    Column("host", String(261), primary_key=True),
    Column("connection", Text, nullable=False),
    Column("polling", Text, nullable=False),
    Column("test_repository", String(255), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("updated_by", String(256), nullable=False),
    # Empty: nobody waits for one, or nobody has made one.
    Column("test_wanted_at", String(32), nullable=False),
    Column("test", Text, nullable=False),
    # Empty: it is not looked through.
    Column("poll_next_at", String(32), nullable=False),
    Column("poll_after", String(255), nullable=False),
    Column("poll", Text, nullable=False),
    # A test does not wait for the end of a look, which may take hours.
    Column("test_lease_hash", String(64), nullable=False),
    Column("test_lease_expires_at", String(32), nullable=False),
    Column("poll_lease_hash", String(64), nullable=False),
    Column("poll_lease_expires_at", String(32), nullable=False),
)

# Events of registries that were acted on, by a hash of what names them.
notices = Table(
    "notices",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("told_at", String(32), nullable=False),
    Index(None, "told_at"),
)
