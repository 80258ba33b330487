"""What one connection, and all of a port together, may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection, and all together, may take."""

    header_deadline_s: float = 5.0
    """From the connection, or the first byte of a further request, to the end of its header."""
    body_deadline_s: float = 10.0
    """From the end of the header to the end of the body."""
    min_body_bytes_per_s: int = 0
    """A body that comes at least so fast may take longer than `body_deadline_s`; 0: none may."""
    max_header_bytes: int = 32 * 1024
    max_connections: int = 1024
