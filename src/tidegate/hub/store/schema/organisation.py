"""What the organisation wants: its settings and rules, and who changed them."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, String, Table, Text

from tidegate.hub.store.schema.conventions import PLACE, metadata

ORGANISATION_ID = 1

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

audit = Table(
    "audit",
    metadata,
    Column("seq", PLACE, primary_key=True, autoincrement=True),
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
