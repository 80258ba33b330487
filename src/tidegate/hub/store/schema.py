"""The tables. Instants are RFC 3339 text in UTC of a fixed width: they sort as they are.

Bodies (rules, events, reports) are kept as the JSON that the API speaks, with the columns that
are searched and sorted beside them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ORGANISATION_ID = 1

# A thousand events a second use up 32 bits within a month; SQLite counts rows in Integer alone,
# which has 64 there.
_PLACE = BigInteger().with_variant(Integer(), "sqlite")

organisation = Table(
    "organisation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("evaluation_mode", String(32), nullable=False),
    Column("security_findings", String(8), nullable=False),
    Column("registry_access", String(8), nullable=False, server_default="On"),
    Column("security_gating", String(8), nullable=False, server_default="On"),
    # Counts the changes of whatever reaches clusters; who holds this row may change rules.
    Column("revision", Integer, nullable=False),
    Column("edited_at", String(32), nullable=False),
    CheckConstraint(f"id = {ORGANISATION_ID}", name="one"),
)

rules = Table(
    "rules",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(256), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("cloud_scope", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("updated_by", String(256), nullable=False),
)

clusters = Table(
    "clusters",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("account", String(512), nullable=False),
    Column("labels", Text, nullable=False),
    Column("gating", String(8), nullable=False),
    Column("enrolled_at", String(32), nullable=False),
    Column("last_seen_at", String(32), nullable=False),
    Column("agent_version", String(128), nullable=False),
    Column("policy_generation", String(128), nullable=False),
    Column("problems", Text, nullable=False),
    # JSON; "null" until an agent says something.
    Column("protection", Text, nullable=False, server_default="null"),
    # When the last batch of the feed came there.
    Column("feed_at", String(40), nullable=False, server_default=""),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(256), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("cluster", String(128), ForeignKey("clusters.name", ondelete="CASCADE")),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", String(32), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("display_name", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("source", String(8), nullable=False),
    Column("enabled", Boolean, nullable=False),
    # Empty: a user of the OpenID provider, who has none.
    Column("password_hash", Text, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("last_sign_in_at", String(32), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    # One of the two: whose end is the session's end.
    Column("user_name", String(128), ForeignKey("users.name", ondelete="CASCADE")),
    Column("token_id", String(32), ForeignKey("tokens.id", ondelete="CASCADE")),
    Column("created_at", String(32), nullable=False),
    Column("last_used_at", String(32), nullable=False),
    # When the holder last proved who it is; empty: the provider did not say.
    Column("authenticated_at", String(32), nullable=False),
    CheckConstraint("(user_name IS NULL) <> (token_id IS NULL)", name="one_holder"),
    Index(None, "user_name"),
    Index(None, "token_id"),
)

# By a digest of the account or address; nobody signed in is needed for a row.
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", String(32), nullable=False),
    Index(None, "last_at"),
)

# One-time tokens with which an agent gets its cluster's own; used ones stay, to know them again.
enrolments = Table(
    "enrolments",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("cluster", String(128), ForeignKey("clusters.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("used_at", String(32), nullable=False),
    Column("alarm", Text, nullable=False),
    Index(None, "cluster"),
)

events = Table(
    "events",
    metadata,
    Column("seq", _PLACE, primary_key=True, autoincrement=True),
    Column("cluster", String(128), nullable=False),
    Column("id", String(128), nullable=False),
    Column("at", String(32), nullable=False),
    Column("action", String(8), nullable=False),
    Column("namespace", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("body", Text, nullable=False),
    # Defaults: the previous release writes rows without them.
    Column("kind", Text, nullable=False, server_default=""),
    Column("subject_user", Text, nullable=False, server_default=""),
    Column("group_id", String(32), nullable=False, server_default=""),
    Column("origin", String(16), nullable=False, server_default="api-server"),
    # Per cluster: one cluster cannot take the id of another's event beforehand.
    UniqueConstraint("cluster", "id"),
    Index(None, "at", "seq"),
    Index(None, "id"),
    Index(None, "group_id", "seq"),
    sqlite_autoincrement=True,  # a cursor never names another event after pruning
)

event_images = Table(
    "event_images",
    metadata,
    Column("event_seq", _PLACE, ForeignKey("events.seq", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("image", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reason", String(64), nullable=False, server_default=""),
    Column("digest", String(160), nullable=False, server_default=""),
    Index(None, "rule", "event_seq"),
    Index(None, "image", "event_seq"),
)

# What a controller tries again within an hour is one row of Admission Monitoring.
event_groups = Table(
    "event_groups",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("first_at", String(32), nullable=False),
    Column("last_at", String(32), nullable=False),
    Column("last_seq", _PLACE, nullable=False),
    Column("count", Integer, nullable=False),
    Index(None, "key", "last_at"),
    Index(None, "last_at", "id"),
)

# Events counted by ten minutes (the first 15 characters of their instant) as they are stored, so
# that the overview does not depend on how many there are. `rule` empty: all events.
event_tallies = Table(
    "event_tallies",
    metadata,
    Column("slot", String(15), primary_key=True),
    Column("rule", String(512), primary_key=True),
    Column("denied", Integer, nullable=False),
    Column("audited", Integer, nullable=False),
    Column("allowed", Integer, nullable=False),
    Column("unscanned", Integer, nullable=False),
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("registry", String(261), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("digest", String(160), nullable=False),
    Column("pushed_at", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", Text, nullable=False),
    Column("reports", Text, nullable=False),
    # The worst platform's counts, as JSON and as one number that sorts by them.
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("risk", BigInteger, nullable=False, server_default="0"),
    # Signed scan time of its oldest report in the registry; empty: none is known of.
    Column("reported_at", String(32), nullable=False, server_default=""),
    # Whether the packages kept of it are enough to match them again.
    Column("rematchable", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("registry", "repository", "digest"),
    Index(None, "pushed_at", "id"),
    Index(None, "digest"),
    Index(None, "reported_at"),
    sqlite_autoincrement=True,
)

image_tags = Table(
    "image_tags",
    metadata,
    Column("registry", String(261), primary_key=True),
    Column("repository", String(255), primary_key=True),
    Column("tag", String(128), primary_key=True),
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
    Index(None, "image_id"),
)

# What a worker found out about one manifest of an image: the image itself, or a platform of an
# index. The large columns are compressed JSON.
image_details = Table(
    "image_details",
    metadata,
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(160), primary_key=True),
    Column("platform", String(128), nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("config", Text, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("referrers", LargeBinary, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("findings", LargeBinary, nullable=False),
    # A package list as its worker signed it; without a signature the list of an older worker.
    Column("packages", LargeBinary, nullable=False),
    Column("packages_signature", Text, nullable=False, server_default=""),
    # The distinct packages in it, as a bitmap of `packages.id`.
    Column("package_ids", LargeBinary),
    Column("updated_at", String(32), nullable=False),
    Index(None, "digest"),
)

# Every package at one version, once for all images that carry it.
packages = Table(
    "packages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # Hash of the four below.
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("name", String(512), nullable=False),
    Column("version", String(512), nullable=False),
    Column("ecosystem", String(512), nullable=False),
    Column("module", String(512), nullable=False),
    # What advisories say of it, as a worker put it; null: nobody with current ones has said.
    Column("said", String(32)),
    Index(None, "name", "id"),
    sqlite_autoincrement=True,
)

# The images that carry a package, as a bitmap of `images.id`, and what changed since.
package_images = Table(
    "package_images",
    metadata,
    Column("package_id", Integer, primary_key=True, autoincrement=False),
    Column("images", LargeBinary, nullable=False),
)

package_changes = Table(
    "package_changes",
    metadata,
    Column("seq", _PLACE, primary_key=True, autoincrement=True),
    Column("package_id", Integer, nullable=False),
    Column("image_id", Integer, nullable=False),
    Column("present", Boolean, nullable=False),
    Index(None, "package_id", "seq"),
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

scans = Table(
    "scans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "image_id", "id"),
    Index(None, "recorded_at"),
    sqlite_autoincrement=True,
)

running_images = Table(
    "running_images",
    metadata,
    Column(
        "cluster", String(128), ForeignKey("clusters.name", ondelete="CASCADE"), primary_key=True
    ),
    Column("image", String(512), primary_key=True),
    Column("digest", String(160), primary_key=True),
    Column("pods", Integer, nullable=False),
    Column("namespaces", Text, nullable=False),
    Index(None, "digest"),
)

# The last verdict about each image of each workload that runs, so that a change is told once, also
# by an agent that started anew. The key: a hash of namespace, workload, image and digest.
running_verdicts = Table(
    "running_verdicts",
    metadata,
    Column(
        "cluster", String(128), ForeignKey("clusters.name", ondelete="CASCADE"), primary_key=True
    ),
    Column("key", String(64), primary_key=True),
    Column("action", String(8), nullable=False),
    Column("seen_on", String(32), nullable=False),
    Index(None, "seen_on"),
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

# How often access was taken from somebody; triggers count it, and each hub looks twice a second.
access_changes = Table(
    "access_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("total", BigInteger, nullable=False),
)

_UNFINISHED = text("state IN ('queued', 'leased')")

jobs = Table(
    "jobs",
    metadata,
    Column("seq", _PLACE, primary_key=True, autoincrement=True),
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

audit = Table(
    "audit",
    metadata,
    Column("seq", _PLACE, primary_key=True, autoincrement=True),
    Column("at", String(32), nullable=False),
    Column("actor", String(256), nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index(None, "target", "seq"),
    Index(None, "actor", "seq"),
    Index(None, "action", "seq"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# The feed: what workers signed, forwarded as it came. Batches and finished snapshots have places in
# one order, that of `feed_order`, so that a reader's cursor covers both.
feed_order = Table(
    "feed_order",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("last", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one"),
)

# The end of each key's chain, and who has the turn to compact or fill it.
feed_heads = Table(
    "feed_heads",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("chain", String(36), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("lease_hash", String(64), nullable=False),
    Column("lease_expires_at", String(32), nullable=False),
    # The last of `images` whose earlier reports are in the chain, and whether that were all.
    Column("filled_upto", Integer, nullable=False),
    Column("filled", Boolean, nullable=False),
)

feed_batches = Table(
    "feed_batches",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), nullable=False),
    Column("chain", String(36), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("received_at", String(32), nullable=False),
    UniqueConstraint("fingerprint", "chain", "epoch"),
    Index(None, "fingerprint", "place"),
)

feed_snapshots = Table(
    "feed_snapshots",
    metadata,
    Column("id", String(32), primary_key=True),
    # Null while it is uploaded.
    Column("place", BigInteger, unique=True),
    # Place of the last batch that is in it.
    Column("through", BigInteger, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("chain", String(36), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("envelope", Text, nullable=False),
    Column("touched_at", String(32), nullable=False),
    Index(None, "fingerprint", "place"),
)

feed_snapshot_parts = Table(
    "feed_snapshot_parts",
    metadata,
    Column(
        "snapshot",
        String(32),
        ForeignKey("feed_snapshots.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
