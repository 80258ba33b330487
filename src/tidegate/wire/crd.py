"""The CustomResourceDefinition of SecurityArtifactPolicy, generated from the structs.

`python -m tidegate.wire.crd` prints it as YAML; `config/crd/` keeps a copy that a test compares.
The schema refuses what `policy_v1alpha1` refuses wherever a schema can say it, so that an error
shows at `kubectl apply` and not only in the object's status.
"""

import sys
from enum import Enum

from msgspec import inspect

from tidegate.wire.crd_fields import CEL, FIELDS, REFINED
from tidegate.wire.custom_resource import (
    ResourceNames,
    Schema,
    define,
    object_schema,
    render_definition,
)
from tidegate.wire.policy_v1alpha1 import GROUP, KIND, PLURAL, SHORT_NAME, VERSION, SpecV1

SHOWN_DEFAULTS = frozenset({"priority", "evaluationMode", "gating"})
"""Fields of `spec` whose defaults the API server writes into objects, so that `kubectl get` shows
what is in force. Rules stay as they were written: agents and GitOps tools compare them."""

_BOUNDS = {
    inspect.StrType: {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"},
    inspect.IntType: {"ge": "minimum", "le": "maximum"},
    inspect.ListType: {"min_length": "minItems", "max_length": "maxItems"},
}


def custom_resource_definition() -> Schema:
    """Return the CustomResourceDefinition as a mapping."""
    names = ResourceNames(GROUP, VERSION, KIND, PLURAL, (SHORT_NAME,))
    return define(names, _object_schema(), _printer_columns(), has_status=True)


def render_crd() -> str:
    """Return the CustomResourceDefinition as YAML."""
    return render_definition(custom_resource_definition(), "policy_v1alpha1.py")


def _printer_columns() -> list[Schema]:
    active = '.status.conditions[?(@.type=="Active")]'
    return [
        {"name": "Rules", "type": "integer", "jsonPath": ".status.ruleCount"},
        {"name": "Mode", "type": "string", "jsonPath": ".spec.evaluationMode"},
        {"name": "Active", "type": "string", "jsonPath": f"{active}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{active}.reason"},
        {"name": "Priority", "type": "integer", "jsonPath": ".spec.priority", "priority": 1},
        {"name": "Message", "type": "string", "jsonPath": f"{active}.message", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def _object_schema() -> Schema:
    return object_schema(
        "SecurityArtifactPolicy holds security rules by which Tidegate judges the images of "
        "workloads in this cluster. At most 500 KiB.",
        {
            "spec": {
                "description": "spec holds the rules of this object and how objects go together.",
                **_schema_of(inspect.type_info(SpecV1)),
            },
            "status": _status_schema(),
        },
    )


def _schema_of(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.StructType():
            return _struct_schema(kind)
        case inspect.ListType():
            return {"type": "array", **_bounds(kind), "items": _schema_of(kind.item_type)}
        case inspect.StrType():
            return {"type": "string", **_bounds(kind)}
        case inspect.IntType():
            return {"type": "integer", "format": "int32", **_bounds(kind)}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.EnumType():
            return {"type": "string", "enum": [str(member.value) for member in kind.cls]}
        case inspect.LiteralType():
            return {"type": "string", "enum": sorted(map(str, kind.values))}
        case _:
            raise TypeError(f"{kind}: no structural schema for this type; give it one here")


def _bounds(kind: inspect.Type) -> Schema:
    given = {word: getattr(kind, name) for name, word in _BOUNDS[type(kind)].items()}
    return {word: value for word, value in given.items() if value is not None}


def _struct_schema(kind: inspect.StructType) -> Schema:
    name = kind.cls.__name__
    checks = [{"rule": rule, "message": message} for rule, message in CEL.get(name, ())]
    required = [field.encode_name for field in kind.fields if field.required]
    return {
        "type": "object",
        **({"required": required} if required else {}),
        **({"x-kubernetes-validations": checks} if checks else {}),
        "properties": {field.encode_name: _field_schema(name, field) for field in kind.fields},
    }


def _field_schema(struct: str, field: inspect.Field) -> Schema:
    schema = {"description": FIELDS[struct][field.encode_name], **_schema_of(field.type)}
    refined = dict(REFINED.get(struct, {}).get(field.encode_name, {}))
    if "items" in refined:
        schema["items"] |= refined.pop("items")
    if field.encode_name in SHOWN_DEFAULTS:
        default = field.default
        schema["default"] = default.value if isinstance(default, Enum) else default
    return schema | refined


def _status_schema() -> Schema:
    texts = FIELDS["StatusV1"]
    short = {"type": "string", "maxLength": 64}
    condition = {
        "type": short,
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": short,
        "message": {"type": "string", "maxLength": 4096},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
        "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
    }
    return {
        "type": "object",
        "description": "status says what of this object is in force; the cluster agent writes it.",
        "properties": {
            "observedGeneration": {
                "description": texts["observedGeneration"],
                "type": "integer",
                "format": "int64",
                "minimum": 0,
            },
            "ruleCount": {
                "description": texts["ruleCount"],
                "type": "integer",
                "format": "int32",
                "minimum": 0,
            },
            "conditions": {
                "description": texts["conditions"],
                "type": "array",
                "maxItems": 8,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": {
                    "type": "object",
                    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
                    "properties": condition,
                },
            },
        },
    }


if __name__ == "__main__":
    sys.stdout.write(render_crd())
