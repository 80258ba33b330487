"""What the processes of all parts do alike: their logs, the ready line, listening."""

import logging
import socket
import sys
from typing import Literal

import msgspec
import structlog

from tidegate.domain.errors import ConfigurationError

BACKLOG = 2048
"""Connections that may wait to be accepted; the kernel caps it (net.core.somaxconn)."""

# Traces as text: the structured form has local variables, and those may hold keys.
_SHARED: tuple[structlog.types.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def configure_logs(level: str = "info") -> None:
    """Send everything from `level` up as JSON lines to standard error, libraries' included."""
    number = logging.getLevelNamesMapping()[level.upper()]
    render = structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*_SHARED, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=render, foreign_pre_chain=_SHARED)
    )
    # Libraries log each connection at INFO; what matters of them is WARNING and above.
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def announce(part: Literal["agent", "gate", "hub", "registry", "scan"], url: str = "") -> None:
    """Print the one line on standard output that says that the part serves, and where."""
    sys.stdout.write(msgspec.json.encode({"part": part, "url": url}).decode() + "\n")
    sys.stdout.flush()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`; 0: a port that is free.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"{host}:{port}: cannot listen there: {error}") from error
