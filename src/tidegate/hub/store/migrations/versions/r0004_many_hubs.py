"""PostgreSQL: places of 64 bits, and word to all hubs of a database when something changed.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANNEL = "tidegate_hub"

_PLACES = (("events", "seq"), ("jobs", "seq"), ("audit", "seq"))

# What `tidegate.hub.signals` calls it, and the statement after which it is said.
_NOTICES = (
    ("policy", "organisation", "UPDATE"),
    ("policy", "clusters", "DELETE"),
    ("events", "events", "INSERT"),
    ("events", "tokens", "DELETE"),
    ("jobs", "jobs", "INSERT"),
)


def upgrade() -> None:
    """Widen the places, and tell of changes as part of the transaction that makes them."""
    if op.get_context().dialect.name != "postgresql":
        return  # SQLite has 64 bits and one hub
    for table, column in _PLACES:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint")
        op.execute(f"ALTER SEQUENCE {table}_{column}_seq AS bigint")
    op.execute("ALTER TABLE event_images ALTER COLUMN event_seq TYPE bigint")
    op.execute(
        "CREATE FUNCTION tidegate_notice() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_notify('{CHANNEL}', TG_ARGV[0]); RETURN NULL; END $$"
    )
    for signal, table, action in _NOTICES:
        op.execute(
            f"CREATE TRIGGER tidegate_notice_{action.lower()} AFTER {action} ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION tidegate_notice('{signal}')"
        )
