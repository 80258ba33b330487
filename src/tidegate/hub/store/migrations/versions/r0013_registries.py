"""Registries configured for workers, workers' sealing keys, events that were acted on.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and a column with a default for a hub of the version before."""
    op.create_table(
        "notices",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("told_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_told_at"), "notices", ["told_at"])
    op.add_column("workers", sa.Column("sealing_key", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "registry_settings",
        sa.Column("host", sa.String(length=261), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("polling", sa.Text(), nullable=False),
        sa.Column("test_repository", sa.String(length=255), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.Column("updated_by", sa.String(length=256), nullable=False),
        sa.Column("test_wanted_at", sa.String(length=32), nullable=False),
        sa.Column("test", sa.Text(), nullable=False),
        sa.Column("poll_next_at", sa.String(length=32), nullable=False),
        sa.Column("poll_after", sa.String(length=255), nullable=False),
        sa.Column("poll", sa.Text(), nullable=False),
        sa.Column("test_lease_hash", sa.String(length=64), nullable=False),
        sa.Column("test_lease_expires_at", sa.String(length=32), nullable=False),
        sa.Column("poll_lease_hash", sa.String(length=64), nullable=False),
        sa.Column("poll_lease_expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_registry_settings")),
    )
