"""How constraints and indexes are named, and how places in an order are counted."""

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A thousand events a second use up 32 bits within a month; SQLite counts rows in Integer alone,
# which has 64 there.
PLACE = BigInteger().with_variant(Integer(), "sqlite")
