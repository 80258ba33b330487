"""Whether a scan job attaches what it finds; jobs from before did.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, with a default for a hub of the version before."""
    op.add_column(
        "jobs", sa.Column("attach", sa.Boolean(), nullable=False, server_default=sa.true())
    )
