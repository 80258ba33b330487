"""A count of what took access from somebody, for hubs that do not hear each other.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Every way of taking access; the hub's own code and whatever else writes to the database.
_TAKES_ACCESS = (
    ("tokens", ("DELETE", "UPDATE")),  # those of a deleted cluster, too
    ("users", ("DELETE", "UPDATE")),
    ("sessions", ("DELETE",)),
)


def upgrade() -> None:
    """Create the count and the triggers that keep it; nothing that is there changes."""
    op.create_table(
        "access_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_changes")),
    )
    op.execute("INSERT INTO access_changes (id, total) VALUES (1, 0)")
    count = "UPDATE access_changes SET total = total + 1"
    if op.get_context().dialect.name != "postgresql":
        for table, actions in _TAKES_ACCESS:
            for action in actions:
                op.execute(
                    f"CREATE TRIGGER tidegate_access_{table}_{action.lower()} "
                    f"AFTER {action} ON {table} BEGIN {count}; END"
                )
        return
    op.execute(
        "CREATE FUNCTION tidegate_count_access() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {count}; RETURN NULL; END $$"
    )
    for table, actions in _TAKES_ACCESS:
        # At the end of the transaction: one that held this row and went on to lock others could
        # wait for one that holds those and waits for this row.
        op.execute(
            f"CREATE CONSTRAINT TRIGGER tidegate_access_count AFTER {' OR '.join(actions)} "
            f"ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION tidegate_count_access()"
        )
