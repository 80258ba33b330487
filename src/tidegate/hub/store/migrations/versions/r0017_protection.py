"""What agents see of the gate's work in their clusters.

Revision ID: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; agents fill it with their next heartbeat."""
    op.add_column(
        "clusters", sa.Column("protection", sa.Text(), nullable=False, server_default="null")
    )
