"""When the feed last came to a cluster.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, with a default for a hub of the version before."""
    op.add_column(
        "clusters",
        sa.Column("feed_at", sa.String(length=40), nullable=False, server_default=""),
    )
