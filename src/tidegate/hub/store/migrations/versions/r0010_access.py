"""Failed sign-ins, counted for all hubs; and word to all hubs when somebody's access was taken.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# After which statements a hub must not go on with what it remembers of tokens and sessions.
_TAKES_ACCESS = (
    ("tokens", "DELETE OR UPDATE"),  # those of a deleted cluster, too
    ("users", "DELETE OR UPDATE"),
    ("sessions", "DELETE"),
)


def upgrade() -> None:
    """Create the table and the triggers; nothing that is there changes."""
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failures")),
    )
    op.create_index(op.f("ix_sign_in_failures_last_at"), "sign_in_failures", ["last_at"])
    if op.get_context().dialect.name != "postgresql":
        return  # SQLite has one hub
    for table, actions in _TAKES_ACCESS:
        op.execute(
            f"CREATE TRIGGER tidegate_access AFTER {actions} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION tidegate_notice('access')"
        )
