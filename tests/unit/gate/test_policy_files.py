"""A directory of policy files drives a gate: changes, broken files, restarts."""

import os
from pathlib import Path

import pytest
import yaml

from tidegate.gate.policy import PolicyStore
from tidegate.gate.policy_files import DirectoryCopies, DirectorySource


class World:
    """A directory of policies and gates that come and go on it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "policies"
        self.folder.mkdir()
        self.copies = DirectoryCopies(root / "copies")
        self.start()

    def start(self) -> None:
        self.store = PolicyStore()
        self.source = DirectorySource(self.store, self.folder, self.copies)

    def write(self, file: str, name: str, *rules: str, **spec: object) -> None:
        entries = [
            {"name": rule, "action": "deny", "configuration": {"blockUnscannedImages": True}}
            for rule in rules
        ]
        body = {
            "apiVersion": "tidegate.io/v1alpha1",
            "kind": "SecurityArtifactPolicy",
            "metadata": {"name": name},
            "spec": {"vulnerabilityAssessmentGatedDeployment": entries, **spec},
        }
        (self.folder / file).write_text(yaml.safe_dump(body))

    async def rules(self) -> list[str]:
        await self.source.poll()
        return [rule.name for rule in self.store.snapshot().rules[:-1]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_changes_are_in_force_at_the_next_look(world: World) -> None:
    assert await world.rules() == []
    assert world.store.ready == (True, ())
    world.write("a.yaml", "a", "1")
    assert await world.rules() == ["1"]
    world.write("b.json", "b", "0", priority=5)
    assert await world.rules() == ["0", "1"]
    (world.folder / "a.yaml").unlink()
    assert await world.rules() == ["0"]


async def test_an_edit_within_the_clock_tick_is_seen_one_look_later(world: World) -> None:
    world.write("a.yaml", "a", "1")
    await world.rules()
    path = world.folder / "a.yaml"
    before = path.stat()
    with path.open("r+") as file:  # same inode, size and time
        file.write(path.read_text().replace("'1'", "'2'"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert await world.rules() == ["2"]


async def test_before_the_first_look_the_gate_is_not_ready(world: World) -> None:
    assert world.store.ready == (False, ("policy objects were not read yet",))


async def test_a_missing_directory_is_named(world: World) -> None:
    world.folder.rmdir()
    await world.rules()
    ready, (why,) = world.store.ready
    assert not ready
    assert str(world.folder) in why


async def test_a_directory_that_vanishes_keeps_its_rules_and_says_so(world: World) -> None:
    world.write("a.yaml", "a", "1")
    await world.rules()
    world.folder.rename(world.folder.with_name("away"))
    assert await world.rules() == ["1"]
    assert "No such file" in world.store.problems[0]
    world.folder.with_name("away").rename(world.folder)
    assert await world.rules() == ["1"]
    assert world.store.problems == ()


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no-yaml"),
        pytest.param("- 1", id="no-object"),
        pytest.param("kind: List\nitems: {a: 1}\n---\n- 1", id="odd-list"),
        pytest.param("kind: SecurityArtifactPolicy\nmetadata: {name: a}\nspec: {}", id="no-spec"),
    ],
)
async def test_a_broken_file_keeps_the_last_good_version(
    world: World, text: str, *, restart: bool
) -> None:
    world.write("a.yaml", "a", "1")
    await world.rules()
    (world.folder / "a.yaml").write_text(text)
    if restart:
        world.start()
        await world.source.restore()
    assert await world.rules() == ["1"]
    assert world.store.ready == (True, ())
    assert "last good version (1 rules) stays in force" in world.store.problems[0]
    world.write("a.yaml", "a", "2")
    assert await world.rules() == ["2"]
    assert world.store.problems == ()


async def test_a_broken_file_without_a_copy_makes_the_gate_not_ready(world: World) -> None:
    (world.folder / "a.yaml").write_text("{")
    world.write("b.yaml", "b", "1")
    assert await world.rules() == ["1"]
    ready, (why,) = world.store.ready
    assert not ready
    assert "'a.yaml'" in why


async def test_a_new_broken_object_does_not_stop_a_gate_that_has_rules(world: World) -> None:
    world.write("a.yaml", "a", "1")
    await world.rules()
    (world.folder / "b.yaml").write_text("{")
    assert await world.rules() == ["1"]
    assert world.store.ready == (True, ())
    assert "gates that start now are not ready" in world.store.problems[0]
    world.start()
    await world.source.restore()
    assert await world.rules() == ["1"]
    assert not world.store.ready[0]


async def test_a_deleted_object_leaves_no_copy(world: World) -> None:
    world.write("a.yaml", "a", "1")
    await world.rules()
    (world.folder / "a.yaml").unlink()
    await world.rules()
    assert world.copies.load() == ()


async def test_one_name_in_two_files_counts_once_and_is_named(world: World) -> None:
    world.write("a.yaml", "same", "1")
    world.write("b.yaml", "same", "2")
    assert await world.rules() == ["1"]
    assert "given twice" in world.store.problems[0]
    assert not world.store.ready[0]


async def test_other_kinds_and_other_files_are_left_alone(world: World) -> None:
    (world.folder / "a.yaml").write_text("kind: ConfigMap")
    (world.folder / ".hidden.yaml").write_text("{")
    (world.folder / "notes.txt").write_text("{")
    assert await world.rules() == []
    assert world.store.ready == (True, ())


async def test_a_list_and_several_documents_are_taken_apart(world: World) -> None:
    world.write("a.yaml", "a", "1")
    world.write("b.yaml", "b", "2")
    bodies = [(world.folder / file).read_text() for file in ("a.yaml", "b.yaml")]
    (world.folder / "b.yaml").unlink()
    (world.folder / "a.yaml").write_text("---\n".join(bodies))
    assert await world.rules() == ["1", "2"]
    items = {"kind": "List", "items": [yaml.safe_load(body) for body in bodies]}
    (world.folder / "a.yaml").write_text(yaml.safe_dump(items))
    assert await world.rules() == ["1", "2"]


async def test_unusable_copies_are_passed_over(world: World) -> None:
    world.copies.keep("a", b"nonsense")
    assert world.copies.load() == ()


async def test_the_change_callback_hears_of_each_policy_once(tmp_path: Path) -> None:
    world, heard = World(tmp_path), []
    world.store = PolicyStore(on_change=lambda policy: heard.append(policy.generation))
    world.source = DirectorySource(world.store, world.folder, world.copies)
    world.write("a.yaml", "a", "1")
    for _ in range(3):
        await world.rules()
    assert heard == [world.store.snapshot().generation]
