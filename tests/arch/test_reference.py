"""docs/reference lists everything that the code reads, says and ends with; nothing is read in secret."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate.agent import changes
from tidegate.agent.reasons import MEANINGS, Reason
from tidegate.cli.exit_codes import ExitCode
from tidegate.wire.policy_merge import LoadReason

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "tidegate"
REFERENCE = {page.name: page.read_text("utf-8") for page in (ROOT / "docs/reference").glob("*.md")}
TREES = {
    str(path.relative_to(SOURCES)): ast.parse(path.read_text("utf-8"))
    for path in sorted(SOURCES.rglob("*.py"))
}
ROWS = set(re.findall(r"^\s*\| `([^`]+)`", "".join(REFERENCE.values()), re.MULTILINE))


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def text_of(node: ast.expr, tree: ast.Module) -> str:
    """Return a literal's text, or that of the module's constant that `node` names."""
    value = node
    for statement in tree.body:
        if (
            isinstance(statement, ast.Assign)
            and isinstance(node, ast.Name)
            and name_of(statement.targets[0]) == node.id
        ):
            value = statement.value
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


# Settings


MAY_READ_THE_ENVIRONMENT = {
    "agent/settings.py", "cli/settings.py", "gate/settings.py", "hub/settings.py",
    "registry/settings.py", "scan/settings.py",
    "scan/__main__.py",  # hands it on: `env:NAME` is the operator's own name for a key
}  # fmt: skip
ENVIRONMENTS = {"environ", "environment", "_environment"}


def test_the_environment_is_read_where_settings_are() -> None:
    readers = {
        path
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (node.attr in ("environ", "getenv", "environb") and name_of(node.value) == "os")
    }
    assert readers == MAY_READ_THE_ENVIRONMENT


def variables() -> Iterator[tuple[str, str]]:
    """Yield each variable that is asked for by its whole name, and where."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr="get", value=given), args=[name, *_]):
                    pass
                case ast.Subscript(value=given, slice=name, ctx=ast.Load()):
                    pass
                case _:
                    continue
            variable = text_of(name, tree)
            if name_of(given) in ENVIRONMENTS and re.fullmatch(r"[A-Z][A-Z0-9_]+", variable):
                yield variable, path


VARIABLES = sorted(set(variables()))


def test_variables_are_found() -> None:
    assert {"KUBECONFIG", "TIDEGATE_TOKEN", "TIDEGATE_KEY_PASSPHRASE"} <= {v for v, _ in VARIABLES}


@pytest.mark.parametrize(("variable", "path"), VARIABLES)
def test_a_variable_that_is_read_has_a_row(variable: str, path: str) -> None:
    assert variable in ROWS, path


def prefixed() -> Iterator[tuple[str, str]]:
    """Yield each setting of hub and worker, those that only some others bring about included."""
    for part in ("hub", "scan"):
        for node in ast.walk(TREES[f"{part}/settings.py"]):
            match node:
                case ast.Call(
                    func=ast.Name(), args=[ast.Name(), ast.Constant(value=str(name)), *_]
                ) if re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
                    yield f"TIDEGATE_{part.upper()}_{name}", part


PREFIXED = sorted(set(prefixed()))


def test_settings_of_hub_and_worker_are_found() -> None:
    assert len(PREFIXED) > 40
    assert ("TIDEGATE_HUB_OIDC_ALLOW_PRIVATE", "hub") in PREFIXED


@pytest.mark.parametrize(("setting", "part"), PREFIXED)
def test_a_setting_that_is_read_has_a_row(setting: str, part: str) -> None:
    page = {"hub": "hub-api.md", "scan": "scan-settings.md"}[part]
    assert f"| `{setting}` |" in REFERENCE[page]


# Metrics


def test_every_metric_is_made_where_the_page_is_made_from() -> None:
    """The page has those of the four lists; one that is made elsewhere would be on no page."""
    makers = {
        path
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and name_of(node.func) in ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
        and any(text_of(arg, tree).startswith("tidegate") for arg in node.args)
    }
    assert makers == {f"{part}/metrics.py" for part in ("agent", "gate", "hub", "scan")}


# Reasons of Kubernetes Events


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_has_its_meaning_and_a_row(reason: Reason) -> None:
    assert reason in MEANINGS
    assert f"| `{reason.value}` |" in REFERENCE["event-reasons.md"]


@pytest.mark.parametrize("reason", [each for each in LoadReason if each is not LoadReason.LOADED])
def test_a_reason_of_a_policy_object_is_on_its_page(reason: LoadReason) -> None:
    assert f"`{reason.value}`" in REFERENCE["policy-object.md"]


def test_no_event_has_a_reason_of_its_own() -> None:
    """In the bodies of Events and conditions a reason comes from one of the two lists."""
    literal = [
        (path, value.value)
        for path, tree in TREES.items()
        if path.startswith("agent/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
        and key.value == "reason"
        and isinstance(value, ast.Constant)
    ]
    assert literal == []
    assert {changes.REASON, changes.DRIFT_REASON} <= set(Reason)


# Exit codes


def exit_codes(part: str) -> set[int]:
    """Return the codes that a part's `main`, and a server that it returns from, name."""
    found = set()
    for path in (f"{part}/__main__.py", f"{part}/server.py"):
        for function in ast.walk(TREES.get(path, ast.Module([], []))):
            if isinstance(function, ast.FunctionDef) and function.name in ("main", "serve"):
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        codes = [
                            n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)
                        ]
                        found |= {code for code in codes if isinstance(code, int)}
    return found


@pytest.mark.parametrize("part", ["agent", "gate", "hub", "registry", "scan"])
def test_every_exit_code_of_a_part_has_a_row(part: str) -> None:
    _, _, section = REFERENCE["settings.md"].partition("## Exit codes")
    (row,) = re.findall(rf"^\| {part} \| (.*) \|$", section, re.MULTILINE)
    told = set(map(int, re.findall(r"`(\d+)`", row)))
    assert exit_codes(part) <= told
    assert {0, 2} <= told


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_of_a_command_has_a_row(code: ExitCode) -> None:
    _, _, section = REFERENCE["cli.md"].partition("## Exit codes")
    assert re.search(rf"^\|? ?[-`| ]*{int(code)}\b", section, re.MULTILINE)


# Values of the chart


def leaves(schema: dict[str, object], path: str = "") -> Iterator[str]:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        yield path
        return
    for name, inner in properties.items():
        if path or name != "global":
            yield from leaves(inner, f"{path}.{name}".lstrip("."))


def test_every_value_that_the_chart_takes_has_a_row() -> None:
    schema = json.loads((ROOT / "charts/tidegate/values.schema.json").read_text("utf-8"))
    told = set(re.findall(r"^\| `([^`]+)`", REFERENCE["chart-values.md"], re.MULTILINE))
    taken = list(leaves(schema))
    assert len(taken) > 100
    assert [value for value in taken if value not in told] == []
    assert told == set(taken)
