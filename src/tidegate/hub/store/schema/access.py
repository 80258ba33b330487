"""Who may do what: clusters, tokens, people, and those who tried and failed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from tidegate.hub.store.schema.conventions import metadata

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
    # JSON: how far each key's chain has come there.
    Column("feed_ends", Text, nullable=False, server_default="[]"),
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

# How often access was taken from somebody; triggers count it, and each hub looks twice a second.
access_changes = Table(
    "access_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("total", BigInteger, nullable=False),
)
