"""Changes of inputs that keep some of their shape: JSON by its values, texts by their words.

A byte changed at random ends most JSON at its first bracket. Half of the changes here are made to
the decoded value; the rest are what a parser has to expect from bytes.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 1e308, "", "*", "a" * 300, "\u202e", "\x00", "\ud800",
    "\uff41", [], {}, [[]], [None], {"": None}, "sha256:" + "a" * 64, "r.example/app:1",
)  # fmt: skip
"""Values that a field may not expect."""

ODD_BYTES = (
    b"\xff", b"\x00", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b'"', b"\\",
    b"[" * 70, b'{"a":' * 70, b"1e400", b"NaN", b"\n", b" ", b"-0", b"9" * 400,
)  # fmt: skip


def dictionary(path: Path) -> tuple[bytes, ...]:
    """Return the words of a libFuzzer dictionary."""
    lines = path.read_text("ascii").splitlines()
    words = [re.fullmatch(r'"(.*)"', line) for line in lines if line.startswith('"')]
    return tuple(json.loads(word[0]).encode() for word in words if word)


def mutated(data: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """Return `data` with one to four changes."""
    for _ in range(random.randint(1, 4)):
        data = random.choice(CHANGES)(data, random, words)
    return data


def _value(data: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """Change the JSON in `data`, after the byte that says what it is, where there is one."""
    start = data.find(b"{", 0, 2)
    try:
        document = json.loads(data[max(start, 0) :])
    except (ValueError, RecursionError):
        return _bytes(data, random, words)
    _change(document, random, words)
    text = json.dumps(document, ensure_ascii=random.random() < 0.5, separators=(",", ":"))
    return data[: max(start, 0)] + text.encode("utf-8", "surrogatepass")


def _change(document: Any, random: Random, words: tuple[bytes, ...]) -> None:  # noqa: ANN401
    """Change one place of a decoded value, found by walking down from the top."""
    place = document
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key: Any = random.choice(keys)
        inner = place[key]
        if isinstance(inner, dict | list) and inner and random.random() < 0.8:
            place = inner
            continue
        match random.randrange(5):
            case 0:
                del place[key]
            case 1 if isinstance(place, dict):
                place[random.choice(words).decode()] = inner
            case 2 if isinstance(place, list):
                place.append(inner)
            case 3:
                place[key] = random.choice(words).decode()
            case _:
                place[key] = random.choice(ODD)
        return


def _repeat_key(data: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """Write a field of some object a second time, with another value."""
    fields = list(re.finditer(rb'"[^"\\]*":', data))
    if not fields:
        return _bytes(data, random, words)
    field = random.choice(fields)
    value = json.dumps(random.choice(ODD)).encode()
    return data[: field.start()] + field[0] + value + b"," + data[field.start() :]


def _bytes(data: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """Put a word or odd bytes over or between the bytes of `data`."""
    piece = random.choice((*words, *ODD_BYTES, random.randbytes(2)))
    start = random.randint(0, len(data))
    return data[:start] + piece + data[start + random.choice((0, 0, 1, len(piece))) :]


def _cut(data: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:  # noqa: ARG001
    """Leave a stretch of `data` out, or write it twice."""
    start, end = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    return data[:start] + data[end:] if random.random() < 0.7 else data[:end] + data[start:]


def _escape(data: bytes, random: Random, words: tuple[bytes, ...]) -> bytes:
    """Write one letter of a JSON text as its escape."""
    letters = list(re.finditer(rb"[A-Za-z]", data))
    if not letters:
        return _bytes(data, random, words)
    letter = random.choice(letters)
    return data[: letter.start()] + b"\\u%04x" % ord(letter[0]) + data[letter.end() :]


Change = Callable[[bytes, Random, tuple[bytes, ...]], bytes]
CHANGES: tuple[Change, ...] = (_value, _value, _value, _repeat_key, _bytes, _bytes, _cut, _escape)
