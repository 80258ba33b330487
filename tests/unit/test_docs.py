"""The pages say what the code does: names, links, commands, and the tables that are made from code."""

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from support.transcript import steps_of
from tidegate.agent import settings as agent
from tidegate.cli import settings as cli
from tidegate.cli.app import app
from tidegate.domain import errors
from tidegate.domain.errors import TidegateError
from tidegate.gate import settings as gate
from tidegate.hub import settings as hub
from tidegate.registry import settings as registry
from tidegate.scan import settings as scan
from tidegate.wire.break_glass_v1alpha1 import parse_break_glass
from tidegate.wire.policy_merge import load_object

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
TEXTS = {page: page.read_text("utf-8") for page in PAGES}
PAGE_IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def rows(page: str) -> set[str]:
    """Return what stands in the first cells of a page's tables."""
    return set(re.findall(r"^\s*\| `([^`]+)`", TEXTS[DOCS / page], re.MULTILINE))


def script(name: str) -> ModuleType:
    """Return a script of `hack/` as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"hack/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def rendered_reference(page: str) -> str:
    """Return what `make docs` writes to `page`."""
    rendered: str = getattr(script("reference"), f"render_{page}")()
    return rendered


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override] # only texts
        self.names.add(key)
        return super().get(key, default)


PARTS = {
    "hub": (hub.read_settings, ["DATA_DIR"]),
    "registry": (registry.settings_from, ["DATA_DIR"]),
    "scan": (
        scan.read_settings,
        ["HUB_URL", "TOKEN_FILE", "KEY", "DATA_DIR", "REGISTRIES"],
    ),
}
"""How each part reads its settings, and what it cannot start without."""


@pytest.mark.parametrize(
    ("part", "page"),
    [
        ("hub", "reference/hub-api.md"),
        ("registry", "reference/registry.md"),
        ("scan", "reference/scan-settings.md"),
    ],
)
def test_every_setting_that_a_part_reads_has_a_row(part: str, page: str, tmp_path: Path) -> None:
    read, needed = PARTS[part]
    prefix = f"TIDEGATE_{part.upper()}_"
    asked = Asked({prefix + name: str(tmp_path) for name in needed})
    read(asked)
    assert len(asked.names) > 8
    told = set(re.findall(r"`([A-Z_]+)`", "".join(table_lines(page))))
    assert {name.removeprefix(prefix) for name in asked.names} - {
        name.removeprefix(prefix) for name in told
    } == set()


def table_lines(page: str) -> list[str]:
    return [line for line in TEXTS[DOCS / page].splitlines() if line.startswith("| `")]


@pytest.mark.parametrize(
    ("module", "page"),
    [(gate, "reference/gate-settings.md"), (agent, "reference/agent-settings.md")],
    ids=["gate", "agent"],
)
def test_every_setting_that_a_part_takes_has_a_row(module: ModuleType, page: str) -> None:
    names = {module.PREFIX + field.name.upper() for field in fields(module.Settings)}
    assert names == {row for row in rows(page) if row.startswith(module.PREFIX)}


def test_every_variable_of_the_command_line_has_a_row() -> None:
    asked = Asked({})
    cli.read_settings(asked)
    assert asked.names
    assert asked.names <= rows("reference/settings.md")


@pytest.mark.parametrize(
    ("page", "made_by"),
    [("errors", "errors"), ("metrics", "metrics"), ("event-reasons", "reasons")],
    ids=["errors", "metrics", "event-reasons"],
)
def test_a_page_that_is_made_from_code_is_what_the_code_says(page: str, made_by: str) -> None:
    assert TEXTS[DOCS / f"reference/{page}.md"] == rendered_reference(made_by), "run: make docs"


def test_the_page_of_chart_values_is_what_their_comments_say() -> None:
    page = TEXTS[DOCS / "reference/chart-values.md"]
    assert page == script("chart").render_values(), "run: make docs"


def test_the_chart_has_what_the_code_generates() -> None:
    chart = script("chart")
    assert chart.GENERATED.read_text("utf-8") == chart.render_generated(), "run: make docs"


def test_every_error_type_has_a_row() -> None:
    names = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TidegateError)
    }
    assert rows("reference/errors.md") == names - {"TidegateError"}


def test_every_metric_in_the_code_has_a_row() -> None:
    source = "".join(
        (ROOT / f"src/tidegate/{part}/metrics.py").read_text()
        for part in ("gate", "agent", "hub", "scan")
    )
    names = set(re.findall(r'"(tidegate_(?:gate|agent|hub|scan)_[a-z_]+)"', source))
    assert len(names) > 10
    told = {row.removesuffix("_total") for row in rows("reference/metrics.md")}
    assert told == names


def test_every_plug_in_group_and_its_built_ins_have_a_row() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert groups.keys() == rows("reference/plug-ins.md")
    for group, built_in in groups.items():
        (row,) = (
            line for line in table_lines("reference/plug-ins.md") if line.startswith(f"| `{group}`")
        )
        assert all(f"`{name}`" in row for name in built_in)


# Links


def anchors_of(text: str) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def links_of(text: str) -> list[str]:
    """Return the targets of links outside of code."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in links_of(TEXTS[page]):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target.read_text("utf-8")), link


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    runbooks = DOCS / "runbooks" / "README.md"  # has a list of its own
    listed = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (index, runbooks)
        for link in links_of(TEXTS[page])
    }
    assert {page for page in PAGES if DOCS in page.parents} - listed == {index}


# Commands


def code_of(text: str) -> Iterator[str]:
    """Yield each line of code: blocks, lines joined where they go on, and code in sentences."""
    for kind, body in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        if kind in ("", "sh", "console"):
            for line in body.replace("\\\n", " ").splitlines():
                yield line.strip().removeprefix("$ ").partition(" # ")[0]
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose))


def tidegate_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each `tidegate …` in the code of `text`, the program's name left out."""
    for line in code_of(text):
        for command in re.split(r"\$\(|\||;|&&|2?>|\bfor\b|\bdo\b|\buntil\b", line):
            words = command.strip().rstrip(")").split()
            if words[:1] == ["tidegate"] and len(words) > 1:
                yield words[1:]


PROGRAM = get_command(app)


def wrong_with(words: list[str]) -> str:
    """Say what in the words of a command the command line does not know."""
    command = PROGRAM
    rest = list(words)
    while isinstance(command, TyperGroup):
        if not rest or rest[0].startswith("-") or "|" in rest[0]:
            return ""  # of the program itself, or several at once
        name = rest.pop(0).strip(",.")
        found = command.commands.get(name)
        if found is None:
            return f"no command {name!r}"
        command = found
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    used = {word.strip("[],").partition("=")[0] for word in rest if word.strip("[").startswith("-")}
    unknown = {option.partition("|")[0] for option in used} - known - {"-"}
    return f"{command.name}: no option {unknown}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_every_tidegate_command_of_a_page_exists(page: Path) -> None:
    found = [(words, wrong_with(words)) for words in tidegate_commands(TEXTS[page])]
    assert [(words, wrong) for words, wrong in found if wrong] == []


def test_what_a_page_could_get_wrong_about_commands_is_seen() -> None:
    text = "```sh\nx=$(tidegate rules aply -f x) # y\n```\nand `tidegate check --imge x`"
    wrong = [wrong_with(words) for words in tidegate_commands(text)]
    assert wrong == ["no command 'aply'", "check: no option {'--imge'}"]
    assert ["lab"] in list(tidegate_commands(TEXTS[ROOT / "README.md"]))


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        match[1] for line in code_of(TEXTS[page]) if (match := re.match(r"make ([a-z0-9]+)", line))
    }
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=PAGE_IDS)
def test_every_policy_object_of_a_page_can_be_put_in_force(page: Path) -> None:
    texts = re.findall(
        r"^(apiVersion: tidegate\.io.*?)^(?:EOF|```)$", TEXTS[page], re.MULTILINE | re.DOTALL
    )
    for text in texts:
        body = yaml.safe_load(text)
        if body["kind"] == "BreakGlass":
            dated = {"creationTimestamp": "2026-11-23T09:00:00Z"} | body["metadata"]
            assert parse_break_glass({**body, "metadata": dated})
        else:
            assert load_object(body).rules


PLAYED = [page for page in PAGES if "tutorial/lab.md" in TEXTS[page] and "how-to" in str(page)]


@pytest.mark.parametrize("page", [DOCS / "tutorial/lab.md", *PLAYED], ids=lambda page: page.stem)
def test_a_page_that_is_played_has_no_block_that_would_be_left_out(page: Path) -> None:
    assert len(list(steps_of(TEXTS[page]))) > 2


# ARCHITECTURE.md

SOURCES = ROOT / "src/tidegate"
NAMED = re.findall(r"`([a-z_0-9/]+\.py)`(?:\s+`([A-Za-z_.]+)`)?", TEXTS[ROOT / "ARCHITECTURE.md"])


def test_the_architecture_names_modules() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)), ids=lambda part: part or "-")
def test_what_the_architecture_names_is_there(path: str, name: str) -> None:
    assert (SOURCES / path).is_file()
    if name:
        source = (SOURCES / path).read_text()
        for part in name.split("."):
            assert re.search(rf"^ *(async def|def|class) {part}\b", source, re.MULTILINE), part
