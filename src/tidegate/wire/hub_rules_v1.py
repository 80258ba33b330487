"""What the hub's REST API speaks about rules as a whole: their order, and taking over a file."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tidegate.domain.rule import EvaluationMode
from tidegate.wire.hub_v1 import Wire
from tidegate.wire.policy_v1alpha1 import MAX_RULES, RuleV1

MAX_CONTENT_CHARS = 4 * 2**20
"""Eight full policy objects; more is split over several files."""


Outcome = Literal["create", "update", "unchanged", "refused"]


class RuleOrderV1(Wire):
    """The order in which rules decide."""

    ids: Annotated[list[Annotated[str, Meta(max_length=128)]], Meta(max_length=100_000)]
    """Of all rules, highest priority first; the default rule is the last."""


class ChosenRuleV1(Wire):
    """A rule of the file that is to be taken over."""

    name: Annotated[str, Meta(max_length=256)]
    etag: Annotated[str, Meta(max_length=64)] = "*"
    """As the preview said it: of the rule that it replaces, empty where there was none. `*`: take
    it over whatever is there by now."""


class RuleImportV1(Wire):
    """Body that takes over the rules of a file, or says what would become of them."""

    content: Annotated[str, Meta(max_length=MAX_CONTENT_CHARS)]
    """YAML or JSON: SecurityArtifactPolicy objects, our own or the reference system's."""
    dry_run: bool = False
    """True: nothing is saved."""
    chosen: Annotated[list[ChosenRuleV1], Meta(max_length=MAX_RULES)] | None = None
    """Rules to take over; null: all of the file."""
    evaluation_mode: EvaluationMode | None = None
    """Set: changes the organisation's mode too."""


class ImportedRuleV1(Wire):
    """What becomes of one rule of a file."""

    name: str
    outcome: Outcome
    problem: str = ""
    """Why it is refused."""
    warnings: list[str] = msgspec.field(default_factory=list)
    """What of it is not known here and left out."""
    etag: str = ""
    """Of the rule that is there; empty: none is."""
    before: RuleV1 | None = None
    after: RuleV1 | None = None
    """As it would be kept; null where it is refused."""


class RuleImportResultV1(Wire):
    """What became, or would become, of a file's rules, in the order of the file."""

    saved: bool
    rules: list[ImportedRuleV1]
    warnings: list[str] = msgspec.field(default_factory=list)
    """What the file says that the hub does not take from files."""
    evaluation_mode: EvaluationMode | None = None
    """The mode that the file asks for, where it says one; see the body's field."""
