"""Events as files: all of them, and nothing in them that a spreadsheet would run."""

import csv
import io
from datetime import timedelta

import msgspec
import pytest

from support.hub_world import START, TOKENS, World
from tidegate.hub.clock import render_instant
from tidegate.hub.event_csv import COLUMNS, csv_header, csv_lines, harmless
from tidegate.wire.event_v1 import AdmissionEventV1, ImageRowV1, parse_event

HOSTILE = "=cmd|'/c calc'!A0\",\"\r\n<script>\u202e\0"


def event(number: int, **changes: object) -> AdmissionEventV1:
    at = render_instant(START - timedelta(seconds=number))
    row = ImageRowV1("r.example/app:1", "spec", "deny", "PolicyEvaluation", "no", rule="R")
    made = AdmissionEventV1(f"e{number:05}", at, "deny", "Pod", "app", [row, row])
    return msgspec.structs.replace(made, **changes)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def export(world: World, **params: str) -> tuple[dict[str, str], str]:
    answer = await world.raw(TOKENS["reader"]).get("/api/v1/events/export", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.headers), answer.text


async def test_all_events_come_newest_first_in_both_formats(world: World) -> None:
    batch = [event(n) for n in range(1001)]
    await world.c1.post_events(batch[:1000])
    await world.c1.post_events(batch[1000:])
    headers, text = await export(world, format="jsonl")
    lines = [parse_event(line.encode()) for line in text.splitlines()]
    assert [line.id for line in lines] == [e.id for e in batch]
    assert headers["content-type"].startswith("application/jsonl")
    assert headers["content-disposition"] == 'attachment; filename="admission-events.jsonl"'
    headers, text = await export(world, format="csv")
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert [row["id"] for row in rows(text)] == [e.id for e in batch for _ in e.images]


async def test_an_export_has_the_filters_of_the_list(world: World) -> None:
    await world.c1.post_events([event(1), event(2, namespace="shop"), event(3, user="jane")])
    assert [r["id"] for r in rows((await export(world, namespace="shop"))[1])] == ["e00002"] * 2
    assert [r["id"] for r in rows((await export(world, user="jane"))[1])] == ["e00003"] * 2
    since = render_instant(START - timedelta(seconds=1))
    assert {r["id"] for r in rows((await export(world, since=since))[1])} == {"e00001"}
    assert (await export(world, user="nobody"))[1] == csv_header()


@pytest.mark.parametrize("params", [{"format": "xlsx"}, {"since": "yesterday"}, {"action": "x"}])
async def test_what_cannot_be_asked_is_refused(world: World, params: dict[str, str]) -> None:
    answer = await world.raw(TOKENS["reader"]).get("/api/v1/events/export", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_t24_no_cell_begins_as_a_formula(start: str) -> None:
    assert harmless(f"{start}1+1") == f"'{start}1+1"
    assert harmless(f"a{start}") == f"a{start}"


def test_t24_hostile_values_stay_in_their_cells() -> None:
    row = ImageRowV1(HOSTILE, HOSTILE, "deny", HOSTILE, HOSTILE, rule=HOSTILE, violation=HOSTILE)
    hostile = AdmissionEventV1(HOSTILE, HOSTILE, "deny", HOSTILE, HOSTILE, [row], user=HOSTILE)
    (found,) = rows(csv_header() + csv_lines(hostile))
    assert len(found) == len(COLUMNS)
    assert found["image"] == found["user"] == "'" + HOSTILE.replace("\0", "\ufffd")
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in found.values())


def test_an_event_without_images_is_a_line_too() -> None:
    (found,) = rows(csv_header() + csv_lines(event(1, images=[])))
    assert (found["id"], found["image"], found["action"]) == ("e00001", "", "deny")


async def test_who_is_signed_in_gets_the_same_file_as_a_token(world: World) -> None:
    await world.c1.post_events([event(1), event(2)])
    browser = await world.person("ann", "reader")
    got = await browser.request("GET", "events/export", params={"format": "jsonl"})
    assert got.text == (await export(world, format="jsonl"))[1]
    assert len(got.text.splitlines()) == 2
