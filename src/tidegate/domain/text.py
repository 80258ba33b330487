"""Text from strangers, made fit to be shown to people on one line."""

import unicodedata

# Cc: control, Cf: invisible and bidirectional formatting, Cs: surrogates, Zl and Zp: line breaks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """Return `text` without control, formatting and line-breaking characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in _HIDDEN)


def shorten_middle(text: str, max_chars: int) -> str:
    """Return `text` with its middle left out, so that it has at most `max_chars` characters."""
    if len(text) <= max_chars:
        return text
    kept = max(max_chars - 1, 2)
    head = kept // 2
    return f"{text[:head]}…{text[len(text) - (kept - head) :]}"
