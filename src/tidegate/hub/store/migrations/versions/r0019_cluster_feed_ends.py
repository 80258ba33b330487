"""How far the feed has come in a cluster, key by key.

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, with a default for a hub of the version before."""
    op.add_column(
        "clusters",
        sa.Column("feed_ends", sa.Text(), nullable=False, server_default="[]"),
    )
