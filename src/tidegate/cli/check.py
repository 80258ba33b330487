"""`tidegate check`: the gate's verdict before anything is deployed, for CI."""

from collections.abc import Sequence
from typing import Annotated

import typer

from tidegate.cli import verb
from tidegate.cli.context import HubOption, World, world_of
from tidegate.cli.exit_codes import ExitCode
from tidegate.cli.hub import ask_hub
from tidegate.cli.judging import Judged, judge_all
from tidegate.cli.manifests import Manifests, facts_of, read_manifests
from tidegate.cli.output import Format, OutputOption, print_items, print_line, print_note
from tidegate.cli.pods import build_pod, parse_labels, require_name, require_namespace
from tidegate.cli.policy_files import merged_policy
from tidegate.cli.registries import TrustOption, ask_registries, load_trust
from tidegate.cli.verdict_words import summary, verdict_items, verdict_lines
from tidegate.domain.errors import InputError
from tidegate.domain.evidence import Unavailable, UnavailableReason
from tidegate.domain.rule import Policy
from tidegate.domain.scope import compile_policy
from tidegate.domain.verdict import Decision, ImageVerdict, Reason
from tidegate.local.data_folder import CLUSTER_NAME
from tidegate.wire.policy_v1alpha1 import rule_of

app = verb.command()


@app.command()
def check(
    context: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--filename", "-f", metavar="FILE", help="Manifests, YAML or JSON; - is standard input."
        ),
    ] = None,
    image: Annotated[
        str, typer.Option(metavar="REF", help="One image, as `kubectl run` would run it.")
    ] = "",
    name: Annotated[str, typer.Option(help="With --image: the pod's name.")] = "check",
    labels: Annotated[
        str, typer.Option("--labels", "-l", help="With --image: KEY=VALUE,…; default run=NAME.")
    ] = "",
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of what names none.")
    ] = "default",
    cluster: Annotated[
        str, typer.Option(help="The cluster it is meant for: its rules and its name are used.")
    ] = CLUSTER_NAME,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="FILE", help="Policy objects; default: the hub's rules."),
    ] = None,
    trust: TrustOption = None,
    output: OutputOption = Format.TABLE,
    hub: HubOption = "",
) -> None:
    """Judge manifests or an image as the gate would on creation, with the same words.

    Exit code 0: allowed, with warnings or without; 1: denied; 2: bad input; 3: nothing is denied
    for a known reason, but something could not be found out.
    """
    require_namespace(namespace)
    manifests = _manifests(files or [], image, name, labels, namespace)
    world = world_of(context)
    rules = merged_policy(policy) if policy else _hub_policy(world, hub, cluster)
    trusted = load_trust(world, trust)
    compiled = compile_policy(rules)
    judged = ask_registries(
        trusted,
        lambda client: judge_all(client, trusted, compiled, manifests, cluster, world.now()),
    )
    _print(judged, manifests, output)
    code = exit_code(judged)
    if code is not ExitCode.ALLOWED:
        raise typer.Exit(code)


def exit_code(judged: Sequence[Judged]) -> ExitCode:
    """Return what the verdicts mean together: a known denial outweighs what is unknown."""
    denied = [
        image for each in judged for image in each.verdict.images if image.decision is Decision.DENY
    ]
    if not denied:
        return ExitCode.ALLOWED
    return ExitCode.COULD_NOT_FIND_OUT if all(map(_is_unknown, denied)) else ExitCode.DENIED


def _is_unknown(image: ImageVerdict) -> bool:
    """Whether trying again may change a denial: the image's text is what it is."""
    evidence = image.judgement.evidence if image.judgement else None
    return (
        image.reason is Reason.UNAVAILABLE
        and isinstance(evidence, Unavailable)
        and evidence.reason is not UnavailableReason.INVALID_REFERENCE
    )


def _manifests(
    files: Sequence[str], image: str, name: str, labels: str, namespace: str
) -> Manifests:
    if bool(files) == bool(image):
        raise InputError("want manifests with -f FILE, or one image with --image REF")
    if files:
        return read_manifests(files, namespace)
    require_name(name)
    pod = build_pod(name, image, namespace, parse_labels(labels))
    return Manifests([facts_of(pod, namespace)])


def _hub_policy(world: World, hub: str, cluster: str) -> Policy:
    """Return the rules that the hub wants in force in `cluster`."""
    wanted = ask_hub(world, hub, lambda client: client.fetch_policy(cluster))
    if wanted is None:
        raise InputError(f"the hub has no rules for cluster {cluster!r}; give --policy FILE")
    return Policy(
        rules=tuple(map(rule_of, wanted.rules)),
        mode=wanted.evaluation_mode,
        gating_on=wanted.gating == "On",
        generation=wanted.generation,
    )


def _print(judged: Sequence[Judged], manifests: Manifests, output: Format) -> None:
    if output is not Format.TABLE:
        print_items([item for each in judged for item in verdict_items(each)], output)
        return
    for each in judged:
        for line in verdict_lines(each):
            print_line(line)
    for skipped in manifests.skipped:
        print_note(f"{skipped}: runs no image, not judged")
    print_line(summary([each.verdict for each in judged]))
