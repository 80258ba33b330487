"""Parts of reviews whose meaning is known by their text: pods of one controller repeat them.

What is kept is bounded by number and bytes; what was put in first goes first. A text is kept only
after it was shown to be one unambiguous JSON text (`wire.strict_json`).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from tidegate.wire.strict_json import is_plain_json

MAX_TEXTS = 4096
MAX_TEXT_BYTES = 256 * 2**10
"""Of one text; a larger one is read each time."""

OVERHEAD_BYTES = 2048
"""Of one entry beside its text: its place, and the facts made of it."""

TOKEN_VOLUME = b'"kube-api-access-'
TOKEN_SUFFIX_BYTES = 5
NO_SUFFIX = "?????"
"""In the place of the random end of a token volume's name; no name has it in it."""

Meaning = TypeVar("Meaning")


class KnownTexts(Generic[Meaning]):
    """What texts mean, by a function that is asked once for each."""

    def __init__(self, read: Callable[[bytes], Meaning], *, max_bytes: int) -> None:
        self._read = read
        self._known: OrderedDict[bytes, Meaning] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._known)

    def meaning(self, text: bytes) -> Meaning | None:
        """Return what `text` means; None: it is too large, or no plain JSON.

        Raises:
            Exception: what the function raises about a text that is plain JSON.
        """
        known = self._known.get(text)
        if known is None and len(text) <= MAX_TEXT_BYTES and is_plain_json(text):
            known = self._read(text)
            self._keep(text, known)
        return known

    def _keep(self, text: bytes, meaning: Meaning) -> None:
        self._known[text] = meaning
        self._bytes += len(text) + OVERHEAD_BYTES
        while self._bytes > self._max_bytes or len(self._known) > MAX_TEXTS:
            first, _ = self._known.popitem(last=False)
            self._bytes -= len(first) + OVERHEAD_BYTES


def without_token_suffix(spec: bytes) -> bytes:
    """Return a pod specification without the random end of its token volume's name.

    API servers give each pod a volume `kube-api-access-` and five characters (k8s.io/kubernetes,
    plugin/pkg/admission/serviceaccount): without these, pods of one controller are the same text.
    Only bytes within JSON strings are exchanged, each time for the same ones. So what comes out has
    a key twice where `spec` has, and means the same but for names that have `NO_SUFFIX` in them.
    """
    start = spec.find(TOKEN_VOLUME)
    if start < 0:
        return spec
    end = start + len(TOKEN_VOLUME) + TOKEN_SUFFIX_BYTES + 1
    name = spec[start:end]
    suffix = name[len(TOKEN_VOLUME) : -1]
    if len(suffix) != TOKEN_SUFFIX_BYTES or not suffix.isalnum() or name[-1:] != b'"':
        return spec
    return spec.replace(name, b'%b%b"' % (TOKEN_VOLUME, NO_SUFFIX.encode()))
