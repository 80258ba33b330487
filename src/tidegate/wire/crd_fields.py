"""What each field of a SecurityArtifactPolicy means: one table for CRD, docs and `kubectl explain`.

A text starts with the field's JSON name and says the meaning, the effect, the default and the
limit. `REFINED` holds what the API server can refuse early and a msgspec bound cannot say.
"""

from typing import Any

FIELDS: dict[str, dict[str, str]] = {
    "SpecV1": {
        "vulnerabilityAssessmentGatedDeployment": (
            "vulnerabilityAssessmentGatedDeployment lists the security rules of this object, "
            "highest priority first. The default rule is always judged after the rules of all "
            "objects, listed here or not. Names are unique in the object and across objects. At "
            "most 500."
        ),
        "policyLastEditTime": (
            "policyLastEditTime says when the rules were last edited, as an RFC 3339 date-time. "
            "For people only; it changes no decision. Default: not set. At most 64 characters."
        ),
        "priority": (
            "priority orders this object among several: all rules of the object with the lower "
            "number come first; equal numbers are ordered by object name. From 0 to 1000000. "
            "Default 1000."
        ),
        "evaluationMode": (
            "evaluationMode says which of several matching rules decide about an image: "
            "FirstMatch, the first one; Strictest, all of them, deny before audit before allow. "
            "Strictest holds for the whole cluster as soon as any object says so. Default "
            "FirstMatch."
        ),
        "gating": (
            'gating "Off" lets everything in and records it as GatingOff. It is honoured only '
            "in the object tidegate-vulnerability-assessment-policy. In YAML keep the quotes: a "
            'bare On is a boolean there. Default "On".'
        ),
        "reAdmission": (
            "reAdmission Audit lets a workload's own pods come back (restart, drain, scale) when a "
            "later finding turned their image bad: with a warning and an event, for 14 days, "
            "under the rules by which the workload was admitted. Enforce denies them, for the "
            "whole cluster as soon as any object says so. Default: other objects decide; where "
            "none says Audit, Enforce."
        ),
    },
    "RuleV1": {
        "name": (
            "name identifies the rule in every warning, refusal and event. Unique; from 1 to "
            "256 characters, at least one of them visible."
        ),
        "action": (
            "action says what a violation leads to: audit lets the workload in with a warning "
            "and an event; deny keeps it out. Required."
        ),
        "configuration": (
            "configuration holds the conditions and exemptions. Required, with at least one of "
            "maxAllowedSeverities, forbiddenCves and blockUnscannedImages."
        ),
        "enabled": ("enabled false keeps the rule without judging anything by it. Default true."),
        "description": ("description is for people. Default empty. At most 1024 characters."),
        "scopeName": (
            "scopeName names the scope for people; it changes no decision. Default empty. At "
            "most 256 characters."
        ),
        "scope": (
            "scope lists where the rule applies; all entries must match. Default empty: "
            "everywhere. At most 50 entries."
        ),
    },
    "ScopeEntryV1": {
        "matcherType": (
            "matcherType says what the entry looks at: namespace, cluster, label (key=value of "
            "the pod), namespaceLabel, deployment, workload (Kind/name of the top-most owner), "
            "pod, image (repository reference) or serviceAccount. Required."
        ),
        "anyOf": (
            "anyOf lists globs of which one must match the whole value; * is any run of "
            "characters, / included, and nothing else is special. From 1 to 200, each of 1 to "
            "512 characters."
        ),
        "operator": ("operator In: any glob matches. NotIn: none does. Default In."),
    },
    "ConfigurationV1": {
        "maxAllowedSeverities": (
            "maxAllowedSeverities limits how many distinct vulnerabilities an image may have "
            "after exemptions. More than the limit is a violation. Default: no limit."
        ),
        "blockUnscannedImages": (
            "blockUnscannedImages true makes missing findings a violation. Default false."
        ),
        "onStale": (
            "onStale says whether findings older than maximumVaFileAge are a violation "
            "(violate) or are judged with their age shown (ignore). Default: violate where "
            "blockUnscannedImages is true, else ignore."
        ),
        "onUnavailable": (
            "onUnavailable says whether findings that could not be read are a violation "
            "(violate) or not (ignore). Default violate."
        ),
        "maximumVaFileAge": (
            "maximumVaFileAge is the age from which findings are stale, by their signed scan "
            "time: a number from 1 to 999999 and d, h or m. Default 365d."
        ),
        "forbiddenCves": (
            "forbiddenCves lists vulnerability ids, aliases included, of which one present is a "
            "violation; it wins over an exemption. Default empty. At most 1000 of 1 to 128 "
            "characters."
        ),
        "ignoredCves": (
            "ignoredCves lists vulnerability ids, aliases included, that do not count, without "
            "an end. Default empty. At most 1000 of 1 to 128 characters."
        ),
        "exemptions": (
            "exemptions lists time-bound exemptions of vulnerabilities and exemptions of "
            "resources. Default empty. At most 1000."
        ),
        "unsupportedRegistries": (
            "unsupportedRegistries lists exact registry hosts whose missing findings are no "
            "violation; findings that do exist are judged. Default docker.io, "
            "mcr.microsoft.com, public.ecr.aws, gcr.io and jfrog.io. At most 200 of 1 to 261 "
            "characters."
        ),
    },
    "MaxAllowedSeveritiesV1": {
        "critical": (
            "critical is the largest allowed count of critical vulnerabilities, from 0 to "
            "1000000. Default: no limit."
        ),
        "high": (
            "high is the largest allowed count of vulnerabilities of high severity or higher, "
            "from 0 to 1000000. Default: no limit."
        ),
        "medium": (
            "medium is the largest allowed count of vulnerabilities of medium severity or "
            "higher, from 0 to 1000000. Default: no limit."
        ),
        "low": (
            "low is the largest allowed count of vulnerabilities of low severity or higher, "
            "from 0 to 1000000. Default: no limit."
        ),
        "unknown": (
            "unknown is the largest allowed count of vulnerabilities without any severity, from "
            "0 to 1000000; no other limit counts them. Default: no limit."
        ),
    },
    "ExemptionV1": {
        "type": (
            "type timeBased ends with timeBound.endDate; permanent has no end and no timeBound. "
            "Required."
        ),
        "value": (
            "value is the vulnerability id (aliases included) or, with matcherType, the glob of "
            "the resource that is exempt. From 1 to 512 characters, at least one of them "
            "visible."
        ),
        "matcherType": (
            "matcherType makes this an exemption of a resource: registry, repository, "
            "imageDigest, deployment, namespace or pod; images of a resource whose name matches "
            "value are not judged by this rule. Default: not set, value is a vulnerability id."
        ),
        "timeBound": ("timeBound gives the end of a timeBased exemption. Default: not set."),
        "reason": ("reason says why, for people. Default empty. At most 1024 characters."),
        "addedBy": (
            "addedBy says who added it, for people. Default empty. At most 256 characters."
        ),
    },
    "TimeBoundV1": {
        "endDate": (
            "endDate is the last day of the exemption, like 2026-12-03, or a date-time whose "
            "UTC day is meant; it holds through the end of that day, UTC. Required."
        ),
    },
    "StatusV1": {
        "observedGeneration": (
            "observedGeneration is the metadata.generation that the other status fields speak "
            "about."
        ),
        "ruleCount": ("ruleCount is the number of rules of this object that are in force."),
        "conditions": (
            "conditions has one entry of type Active. Reasons: Loaded, the rules are in force; "
            "Invalid, the object does not parse; DuplicateName, another object has a rule of "
            "the same name. In the last two cases the last good version stays in force."
        ),
    },
}
"""JSON field name to text, by the struct in `policy_v1alpha1` (`StatusV1`: of the CRD itself)."""

# A visible character anywhere: Go's regular expressions know Unicode classes, Python's do not.
_VISIBLE = r"[^\s\pZ\pC]"
_CLOCK = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
_ZONE = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

REFINED: dict[str, dict[str, dict[str, Any]]] = {
    "SpecV1": {
        "vulnerabilityAssessmentGatedDeployment": {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "policyLastEditTime": {"maxLength": 64},
    },
    "RuleV1": {"name": {"pattern": _VISIBLE}},
    "ConfigurationV1": {
        "maximumVaFileAge": {"pattern": "^[1-9][0-9]{0,5}[dhm]$"},
        "forbiddenCves": {"items": {"pattern": _VISIBLE}},
        "ignoredCves": {"items": {"pattern": _VISIBLE}},
    },
    "ExemptionV1": {"value": {"pattern": _VISIBLE}},
    "TimeBoundV1": {"endDate": {"pattern": f"^{_DATE}({_CLOCK}{_ZONE})?$"}},
}
"""Schema words that replace or add to those derived from the struct."""

CEL: dict[str, tuple[tuple[str, str], ...]] = {
    "ConfigurationV1": (
        (
            (
                "(has(self.blockUnscannedImages) && self.blockUnscannedImages)"
                " || (has(self.forbiddenCves) && size(self.forbiddenCves) > 0)"
                " || (has(self.maxAllowedSeverities) && ["
                "has(self.maxAllowedSeverities.critical), has(self.maxAllowedSeverities.high), "
                "has(self.maxAllowedSeverities.medium), has(self.maxAllowedSeverities.low), "
                "has(self.maxAllowedSeverities.unknown)].exists(given, given))"
            ),
            (
                "the rule has no condition; give at least one of maxAllowedSeverities, "
                "forbiddenCves and blockUnscannedImages"
            ),
        ),
    ),
    "ExemptionV1": (
        (
            "self.type != 'timeBased' || has(self.timeBound)",
            "a timeBased exemption needs timeBound.endDate",
        ),
        (
            "self.type != 'permanent' || !has(self.timeBound)",
            "a permanent exemption has no timeBound; say timeBased, or leave timeBound out",
        ),
    ),
}
"""Checks within one object of the struct: (CEL expression, the sentence shown when it fails)."""
