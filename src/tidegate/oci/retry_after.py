"""`Retry-After`: how long a server asks to be left alone (RFC 9110 section 10.2.3)."""

MAX_RETRY_AFTER_S = 7 * 86_400.0
"""No registry's pause is believed to be longer."""

MAX_CHARS = 64


def parse_retry_after(header: str) -> float:
    """Return the seconds in `header`, 0 where it names none.

    The other form, a date, is by the server's clock and not by ours: it counts as none.
    """
    text = header.strip()
    if not text.isascii() or not text.isdecimal() or len(text) > MAX_CHARS:
        return 0.0
    return min(float(text), MAX_RETRY_AFTER_S)
