"""The last verdict about each image of each running workload.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; agents fill it when they judge next."""
    op.create_table(
        "running_verdicts",
        sa.Column("cluster", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("seen_on", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster"],
            ["clusters.name"],
            name=op.f("fk_running_verdicts_cluster"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cluster", "key", name=op.f("pk_running_verdicts")),
    )
    op.create_index(
        op.f("ix_running_verdicts_seen_on"), "running_verdicts", ["seen_on"], unique=False
    )
