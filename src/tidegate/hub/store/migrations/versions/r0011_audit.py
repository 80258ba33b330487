"""The audit log is searched by who, what and when.

Revision ID: 0011
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the indexes."""
    op.create_index(op.f("ix_audit_actor_seq"), "audit", ["actor", "seq"])
    op.create_index(op.f("ix_audit_action_seq"), "audit", ["action", "seq"])
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
