"""The end of the chain as this worker last saw it, over a restart: a chain must not go back."""

from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from tidegate.scan.feed_chain import Position

_log = structlog.get_logger()


class _Seen(msgspec.Struct):
    fingerprint: str
    chain: str
    started_at: datetime
    epoch: int
    digest: str
    issued_at: datetime


def load_seen(path: Path, fingerprint: str) -> Position | None:
    """Return what was seen of the key's chain; None: nothing, or the file cannot be read."""
    try:
        seen = msgspec.json.decode(path.read_bytes(), type=_Seen)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        _log.warning("feed.seen_unreadable", file=str(path), error=str(error))
        return None
    if seen.fingerprint != fingerprint:
        return None
    return Position(seen.chain, seen.started_at, seen.epoch, seen.digest, seen.issued_at)


def store_seen(path: Path, fingerprint: str, position: Position) -> None:
    """Keep the end of a chain; a failure is logged, as what comes of it is a new chain at worst."""
    seen = _Seen(
        fingerprint,
        position.chain,
        position.started_at,
        position.epoch,
        position.digest,
        position.issued_at,
    )
    partial = path.with_suffix(".partial")
    try:
        partial.write_bytes(msgspec.json.encode(seen))
        partial.replace(path)
    except OSError as error:
        _log.warning("feed.seen_not_kept", file=str(path), error=str(error))
