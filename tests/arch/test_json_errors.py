"""Bytes that are no text are refused as what is no JSON is.

msgspec raises `UnicodeDecodeError`, which is none of its own errors, for a string that is not UTF-8.
Who catches only `MsgspecError` lets a stranger's byte through as a fault of ours.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def handlers() -> Iterator[tuple[str, ast.Try]]:
    """Yield each `try` that catches an error of msgspec, by its file and function."""
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for number, node in enumerate(ast.walk(function)):
                if isinstance(node, ast.Try) and any(
                    names_in(handler.type) & OF_MSGSPEC for handler in node.handlers
                ):
                    yield f"{path.relative_to(SOURCES)}:{function.name}:{number}", node


HANDLERS = {place: node for place, node in handlers() if not place.startswith(OUR_OWN_BYTES)}


def decodes_bytes(node: ast.Try) -> bool:
    called = {
        name
        for part in node.body
        for call in ast.walk(part)
        if isinstance(call, ast.Call)
        for name in names_in(call.func)
    }
    return "decode" in called


def test_there_are_such_places() -> None:
    assert len(HANDLERS) > 30


@pytest.mark.parametrize("place", HANDLERS)
def test_t03_who_decodes_json_expects_bytes_that_are_no_text(place: str) -> None:
    node = HANDLERS[place]
    caught = set[str]().union(*(names_in(handler.type) for handler in node.handlers))
    body = set[str]().union(*map(names_in, node.body))
    assert not decodes_bytes(node) or caught & ALSO or body & STRICT_FIRST
