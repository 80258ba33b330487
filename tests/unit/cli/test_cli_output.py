"""What strangers wrote never reaches the terminal as more than text."""

import json

import pytest
import yaml

from tidegate.cli.output import (
    Format,
    print_data,
    print_items,
    print_line,
    print_lines,
    print_table,
    render_json,
    render_yaml,
)

HOSTILE = "a\x1b[31mred\x07\r\n\u202eevil\u200b\x9b2J\u2028"


def test_t24_tables_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "WHAT"), [(HOSTILE, "[bold]x[/bold]"), ("b", ":smile:")])
    out = capsys.readouterr().out
    assert (
        out == "NAME             WHAT\na[31mredevil2J   [bold]x[/bold]\nb                :smile:\n"
    )


def test_t24_lines_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(HOSTILE)
    print_lines("one\x1b[2J\ntwo\r")
    assert capsys.readouterr().out == "a[31mredevil2J\none[2J\ntwo\n"


@pytest.mark.parametrize(
    "text", [HOSTILE, "\x7f", "plain", "Grüße 東京", "\U000e0001tag", "\ud800"]
)
def test_t24_json_and_yaml_escape_and_lose_nothing(text: str) -> None:
    rendered = render_json({"name": text})
    assert json.loads(rendered)["name"] == text
    assert not set(rendered) & set("\x1b\x07\r\x7f\x9b\u202e\u200b\u2028\ud800")
    if text != "\ud800":  # no YAML holds a lone surrogate
        written = render_yaml({"name": text})
        assert yaml.safe_load(written)["name"] == text
        assert written.isascii()


def test_readable_characters_stay_readable_in_json() -> None:
    assert "Grüße 東京" in render_json({"name": "Grüße 東京"})


def test_long_names_are_never_cut_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("IMAGE", "X"), [("registry.example/" + "a" * 300, "end")])
    assert "a" * 300 + "   end" in capsys.readouterr().out


def test_lists_are_items(capsys: pytest.CaptureFixture[str]) -> None:
    print_items([{"a": 1}], Format.JSON)
    assert json.loads(capsys.readouterr().out) == {"items": [{"a": 1}]}
    print_data({"a": "On"}, Format.YAML)
    assert yaml.safe_load(capsys.readouterr().out) == {"a": "On"}
