"""What gates decided, as it is searched, grouped and counted."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from tidegate.hub.store.schema.conventions import PLACE, metadata

events = Table(
    "events",
    metadata,
    Column("seq", PLACE, primary_key=True, autoincrement=True),
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
    Column("event_seq", PLACE, ForeignKey("events.seq", ondelete="CASCADE"), primary_key=True),
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
    Column("last_seq", PLACE, nullable=False),
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
