"""The feed: what workers signed, forwarded as it came.

Batches and finished snapshots have places in one order, that of `feed_order`, so that a reader's
cursor covers both.
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
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tidegate.hub.store.schema.conventions import metadata

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
