"""Who asked for the decision of an event, to filter by.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, with a default for a hub of the version before, and fill it."""
    default = sa.text("'api-server'")
    column = sa.Column("origin", sa.String(length=16), nullable=False, server_default=default)
    op.add_column("events", column)
    for origin in ("direct", "rejudged"):
        # A string from outside has its quotes escaped in the body, so only the field looks so.
        op.execute(
            sa.text("UPDATE events SET origin = :origin WHERE body LIKE :field").bindparams(
                origin=origin, field=f'%"origin":"{origin}"%'
            )
        )
