"""The reference pages say what the code does."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from tidegate.agent.settings import PREFIX, Settings
from tidegate.wire.crd_docs import TITLES, replace_tables
from tidegate.wire.crd_fields import FIELDS
from tidegate.wire.policy_merge import LoadReason, load_object

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference/policy-object.md").read_text()


def test_the_field_tables_are_those_of_the_schema() -> None:
    assert TITLES.keys() == FIELDS.keys()
    assert replace_tables(PAGE) == PAGE


def test_the_example_object_can_be_put_in_force() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(load_object(yaml.safe_load(example)).rules) == 1


@pytest.mark.parametrize("reason", list(LoadReason))
def test_every_reason_is_explained(reason: LoadReason) -> None:
    assert f"| `{reason}` |" in PAGE


def test_every_setting_of_the_agent_has_its_row_and_default() -> None:
    page = (DOCS / "reference/agent-settings.md").read_text()
    rows = dict(re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \| (.*?) \|", page, re.MULTILINE))
    assert rows.keys() == {field.name.upper() for field in fields(Settings)}
    for field in fields(Settings):
        if field.default not in (None, ""):
            assert rows[field.name.upper()] == f"`{field.default}`"
