"""Alembic's entry: runs within the transaction that `tidegate.hub.store.migrate` opened."""

from alembic import context

from tidegate.hub.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
