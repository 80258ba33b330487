"""Logs of the gate: JSON lines on standard error, its libraries' included."""

import logging
import sys

import structlog

_SHARED: tuple[structlog.types.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
)


def configure_logs(level: str) -> None:
    """Send everything from `level` (`info`, `debug`, …) up to standard error."""
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
