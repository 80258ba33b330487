"""What cannot be decoded is refused as what is malformed is, whichever error says so.

msgspec raises `UnicodeDecodeError`, which is none of its own errors, for a string that is not UTF-8.
Who catches only `MsgspecError` lets a stranger's byte through as a fault of ours.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "tidegate"
OF_MSGSPEC = {"MsgspecError", "DecodeError", "ValidationError"}
ALSO = {"UnicodeDecodeError", "UnicodeError", "ValueError", "Exception"}
OUR_OWN_BYTES = "wire/statement_v1.py:render_statement:"
"""Decodes what it has just encoded."""

STRICT_FIRST = {"NotStrictError", "require_strict_json"}
"""`require_strict_json` refused other encodings before anything was decoded."""


def names_in(node: ast.AST | None) -> set[str]:
    """Return every name that `node` mentions."""
    walked = list(ast.walk(node)) if node is not None else []
    return {n.attr for n in walked if isinstance(n, ast.Attribute)} | {
        n.id for n in walked if isinstance(n, ast.Name)
    }


@cache
def trees() -> dict[str, ast.Module]:
    """Return modules that could name such an error; read when a test runs, not when it is found."""
    texts = {path: path.read_text("utf-8") for path in sorted(SOURCES.rglob("*.py"))}
    return {
        str(path.relative_to(SOURCES)): ast.parse(text)
        for path, text in texts.items()
        if "msgspec" in text or "binascii" in text
    }


def handlers() -> Iterator[tuple[str, ast.Try]]:
    """Yield each `try` that catches an error of msgspec, by its file, function and line."""
    for path, tree in trees().items():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Try) and any(
                    names_in(handler.type) & OF_MSGSPEC for handler in node.handlers
                ):
                    yield f"{path}:{function.name}:{node.lineno}", node


def decodes_bytes(node: ast.Try) -> bool:
    called = {
        name
        for part in node.body
        for call in ast.walk(part)
        if isinstance(call, ast.Call)
        for name in names_in(call.func)
    }
    return "decode" in called


def expects_bytes_that_are_no_text(node: ast.Try) -> bool:
    caught = set[str]().union(*(names_in(handler.type) for handler in node.handlers))
    body = set[str]().union(*map(names_in, node.body))
    return not decodes_bytes(node) or bool(caught & ALSO or body & STRICT_FIRST)


def test_t03_who_decodes_json_expects_bytes_that_are_no_text() -> None:
    found = {place: node for place, node in handlers() if not place.startswith(OUR_OWN_BYTES)}
    assert len(found) > 30
    assert [p for p, node in found.items() if not expects_bytes_that_are_no_text(node)] == []


def test_t03_who_decodes_base64_expects_characters_that_are_none_of_it() -> None:
    # For text beyond ASCII `b64decode` raises a plain ValueError, of which binascii.Error is a kind.
    named = [
        f"{path}:{handler.lineno}"
        for path, tree in trees().items()
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler) and "binascii" in names_in(handler.type)
    ]
    assert named == [], "catch ValueError"
