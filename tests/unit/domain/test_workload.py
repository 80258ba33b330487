"""Every place of an image in every kind, and what an update leaves to judge."""

from dataclasses import replace

import pytest

from tidegate.domain.workload import (
    POD_SPEC_PATHS,
    ControllerReference,
    NamedImage,
    NodeTerm,
    ObjectFacts,
    PodFacts,
    changed_images,
    images_of,
    node_platforms,
    workload_of,
)

CONTROLLER = ControllerReference("apps/v1", "Deployment", "web", "u-1")
SECTIONS = ("containers", "init_containers", "ephemeral_containers", "image_volumes")
ARCH, OS = "kubernetes.io/arch", "kubernetes.io/os"


def named(*images: str) -> tuple[NamedImage, ...]:
    return tuple(NamedImage(f"c{index}", image, index) for index, image in enumerate(images))


def obj(
    kind: str = "Pod", *, controller: ControllerReference | None = None, **pod: object
) -> ObjectFacts:
    return ObjectFacts(kind, "web", "", "default", PodFacts(**pod), controller)  # type: ignore[arg-type] # a test's shorthand


@pytest.mark.parametrize("kind", POD_SPEC_PATHS)
def test_t10_every_position_of_every_kind_is_named_with_its_path(kind: str) -> None:
    path = POD_SPEC_PATHS[kind]
    uses = images_of(
        obj(
            kind,
            containers=named("a"),
            init_containers=named("b"),
            ephemeral_containers=named("c"),
            image_volumes=(NamedImage("v", "d", 3),),
        )
    )
    assert [(use.field_path, use.image) for use in uses] == [
        (f"{path}.containers[0].image", "a"),
        (f"{path}.initContainers[0].image", "b"),
        (f"{path}.ephemeralContainers[0].image", "c"),
        (f"{path}.volumes[3].image.reference", "d"),
    ]


@pytest.mark.parametrize("section", SECTIONS)
def test_t10_a_new_image_in_any_section_is_judged(section: str) -> None:
    old = obj(**{section: named("a", "b")})
    new = obj(**{section: named("a", "B")})
    assert [use.image for use in changed_images(new, old)] == ["B"]


@pytest.mark.parametrize("source", SECTIONS)
@pytest.mark.parametrize("target", SECTIONS)
def test_t10_an_image_that_moves_to_another_section_is_judged(source: str, target: str) -> None:
    judged = changed_images(obj(**{target: named("a")}), obj(**{source: named("a")}))
    assert [use.image for use in judged] == ([] if source == target else ["a"])


def test_t10_images_that_swap_containers_are_judged() -> None:
    assert (
        len(changed_images(obj(containers=named("a", "b")), obj(containers=named("b", "a")))) == 2
    )


def test_reordered_containers_are_not_judged_again() -> None:
    old = obj(containers=named("a", "b"))
    first, second = old.pod.containers
    swapped = (replace(second, index=0), replace(first, index=1))
    assert changed_images(obj(containers=swapped), old) == ()


def test_t10_the_same_image_once_more_is_judged_at_its_new_place() -> None:
    judged = changed_images(obj(containers=named("a", "a")), obj(containers=named("a")))
    assert [use.field_path for use in judged] == ["spec.containers[1].image"]


@pytest.mark.parametrize(
    ("change", "judged"),
    [
        pytest.param({"labels": {"x": "y"}}, 0, id="labels"),
        pytest.param({"service_account": "other"}, 0, id="service-account"),
        pytest.param({"node_selector": {"zone": "a"}}, 1, id="node-selector"),
        pytest.param({"node_terms": (NodeTerm(),)}, 1, id="affinity"),
    ],
)
def test_what_is_no_image_is_judged_only_when_it_moves_pods(
    change: dict[str, object], judged: int
) -> None:
    old = obj(containers=named("a"))
    assert len(changed_images(obj(containers=named("a"), **change), old)) == judged


@pytest.mark.parametrize(
    ("kind", "judged"),
    [(kind, 0 if kind in ("ReplicaSet", "Job") else 1) for kind in POD_SPEC_PATHS],
)
def test_t10_only_an_owned_replica_set_or_job_leaves_its_pods_to_be_judged(
    kind: str, judged: int
) -> None:
    owned = obj(kind, containers=named("a"), controller=CONTROLLER)
    assert len(changed_images(owned, None)) == judged
    assert len(changed_images(replace(owned, controller=None), None)) == 1


@pytest.mark.parametrize(
    ("selector", "terms", "platforms"),
    [
        pytest.param({}, (), (), id="nothing-said"),
        pytest.param({"zone": "a"}, (), (), id="another-label"),
        pytest.param({ARCH: "arm64"}, (), ("*/arm64",), id="selector-architecture"),
        pytest.param({OS: "linux", ARCH: "arm64"}, (), ("linux/arm64",), id="selector-both"),
        pytest.param({}, (((ARCH, {"arm64", "amd64"}),),), ("*/amd64", "*/arm64"), id="values-or"),
        pytest.param(
            {},
            (((ARCH, {"arm64"}),), ((OS, {"windows"}),)),
            ("*/arm64", "windows/*"),
            id="terms-or",
        ),
        pytest.param({}, (((ARCH, {"arm64"}),), ()), (), id="one-term-allows-all"),
        pytest.param(
            {ARCH: "arm64"}, (((ARCH, {"amd64", "arm64"}),),), ("*/arm64",), id="selector-and-term"
        ),
        pytest.param({ARCH: "arm64"}, (((ARCH, {"amd64"}),),), (), id="contradiction-judges-all"),
        pytest.param({}, (((ARCH, {str(n) for n in range(99)}),),), (), id="too-many-judge-all"),
    ],
)
def test_node_selectors_and_affinity_leave_platforms(
    selector: dict[str, str],
    terms: tuple[tuple[tuple[str, set[str]], ...], ...],
    platforms: tuple[str, ...],
) -> None:
    node_terms = tuple(NodeTerm(tuple((k, frozenset(v)) for k, v in term)) for term in terms)
    assert node_platforms(PodFacts(node_selector=selector, node_terms=node_terms)) == platforms


@pytest.mark.parametrize(
    ("kind", "name", "pod_name", "prefix"),
    [
        ("Pod", "gate-1", "gate-1", ""),
        ("Deployment", "gate", "", "gate-"),
        ("Deployment", "g" * 63, "", "g" * 58),
    ],
)
def test_names_of_pods_are_known_or_begin_as_controllers_cut_them(
    kind: str, name: str, pod_name: str, prefix: str
) -> None:
    workload = workload_of(replace(obj(kind), name=name))
    assert (workload.pod_name, workload.pod_name_prefix) == (pod_name, prefix)
