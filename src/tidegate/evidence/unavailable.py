"""Errors on the way to evidence, as evidence."""

from tidegate.domain.errors import (
    DeadlineExceededError,
    LimitExceededError,
    NotInRegistryError,
    RegistryUnavailableError,
)
from tidegate.domain.evidence import Unavailable, UnavailableReason


def unavailable_because(error: Exception) -> Unavailable:
    """Return `error` as the reason why it could not be found out whether there is a report."""
    return Unavailable(_reason(error), str(error))


def _reason(error: Exception) -> UnavailableReason:
    match error:
        case LimitExceededError():
            return UnavailableReason.LIMITS
        case NotInRegistryError():  # signed by us, listed, and gone
            return UnavailableReason.UNREADABLE
        case RegistryUnavailableError(rate_limited=True):
            return UnavailableReason.RATE_LIMITED
        case TimeoutError() | DeadlineExceededError():
            return UnavailableReason.DEADLINE
        case _:
            return UnavailableReason.REGISTRY
