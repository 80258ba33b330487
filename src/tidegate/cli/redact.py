"""Takes secrets out of text that leaves the machine: known ones by value, others by their look.

Values that are known are the sure part. The patterns are for what nobody told us of: a private key
that somebody pasted, a password in a URL, a field whose name says what it holds. They rather take
too much.
"""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

PLACEHOLDER = "(removed)"

MIN_SECRET_CHARS = 6
"""A shorter value would be found in ordinary words; ours have 20 characters and more."""

_WORDS = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|authorization|credential|cookie|"
    r"api[-_]?key|private[-_]?key)[\w.-]*"
)
_QUOTED = r'"(?:[^"\\]|\\.)*"'

_PATTERNS = (
    # PEM, also as one line of JSON with \n between its lines.
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"),  # a JSON Web Token
    re.compile(r"\btg[a-z]_[\w-]{16,}"),  # tokens of a hub
    re.compile(r"(?<=://)[^/\s@\"']{1,512}(?=@)"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{6,}|(?<=\bbasic )[\w+/=-]{6,}"),
)
_FIELDS = (
    # "password": "x"   'token': 'x'   \"secret\": \"x\"
    re.compile(rf'(?i)("{_WORDS}"\s*:\s*)({_QUOTED})'),
    re.compile(rf"(?i)('{_WORDS}'\s*:\s*)('(?:[^'\\]|\\.)*')"),
    re.compile(rf'(?i)(\\"{_WORDS}\\"\s*:\s*)(\\"[^"]*\\")'),
    # password: x   TOKEN=x
    re.compile(rf"(?im)(^[ \t-]*{_WORDS}[ \t]*:[ \t]+)([^\s\"'{{\[][^\n]*)"),
    re.compile(rf"(?i)(\b{_WORDS}=)([^\s&\"',;]+)"),
)


class Redactor:
    """Removes secrets; `known` are values that must not leave."""

    def __init__(self, known: Iterable[str]) -> None:
        values = {value for each in known for value in _forms(each)}
        self._known = sorted(values, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        for value in self._known:
            text = text.replace(value, PLACEHOLDER)
        for pattern in _PATTERNS:
            text = pattern.sub(PLACEHOLDER, text)
        for field in _FIELDS:
            text = field.sub(_keep_name, text)
        return text


def _keep_name(found: re.Match[str]) -> str:
    """Return the field without its value, in the quotes that it had: JSON stays JSON."""
    quote = re.match(r"\\?[\"']?", found[2])
    mark = quote[0] if quote else ""
    return f"{found[1]}{mark}{PLACEHOLDER}{mark}"


def _forms(secret: str) -> Iterable[str]:
    """Yield the ways in which logs may have written `secret`."""
    secret = secret.strip()
    if len(secret) < MIN_SECRET_CHARS:
        return
    yield secret
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()
