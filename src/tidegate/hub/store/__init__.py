"""The hub's database: the schema, its migrations, and one module per resource.

Functions take the connection of a transaction that the caller opened; SQL is portable between
SQLite and PostgreSQL. Every write goes to the audit log in the same transaction.
"""
