"""Kubernetes objects that run images, to what is judged of them.

Only what rules and images need is read; unknown fields are skipped, whatever they hold. Fields
that are read have types, `null` stands for absent, as Go's encoder writes it.

Not done here: depth, duplicate keys and size, which are checked over the whole body.
"""

from typing import Any

import msgspec

from tidegate.domain.workload import (
    POD_SPEC_PATHS,
    ControllerReference,
    NamedImage,
    NodeTerm,
    ObjectFacts,
    PodFacts,
)

_GROUPS = {
    "Pod": {""},
    "ReplicationController": {""},
    "ReplicaSet": {"apps", "extensions"},
    "Deployment": {"apps", "extensions"},
    "StatefulSet": {"apps"},
    "DaemonSet": {"apps", "extensions"},
    "Job": {"batch"},
    "CronJob": {"batch"},
}
"""API groups in which a kind has the pod specification where `POD_SPEC_PATHS` says."""


class _Wire(msgspec.Struct, rename="camel", gc=False):
    """Base of what is read: camelCase names; unknown fields are skipped."""


class _OwnerReference(_Wire):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class _Meta(_Wire):
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    owner_references: list[_OwnerReference] | None = None


class _Container(_Wire):
    name: str = ""
    image: str | None = None


class _ImageVolume(_Wire):
    reference: str | None = None


class _Volume(_Wire):
    name: str = ""
    image: _ImageVolume | None = None


class _Requirement(_Wire):
    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class _Term(_Wire):
    match_expressions: list[_Requirement] | None = None


class _NodeSelector(_Wire):
    node_selector_terms: list[_Term] | None = None


class _NodeAffinity(_Wire):
    required: _NodeSelector | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )


class _Affinity(_Wire):
    node_affinity: _NodeAffinity | None = None


class _PodSpec(_Wire):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None
    volumes: list[_Volume] | None = None
    service_account_name: str | None = None
    node_selector: dict[str, str] | None = None
    affinity: _Affinity | None = None


class _Template(_Wire):
    metadata: _Meta | None = None
    spec: _PodSpec | None = None


class _TemplateSpec(_Wire):
    template: _Template | None = None


class _JobTemplate(_Wire):
    spec: _TemplateSpec | None = None


class _CronJobSpec(_Wire):
    job_template: _JobTemplate | None = None


class _Pod(_Wire):
    kind: str = ""
    metadata: _Meta | None = None
    spec: _PodSpec | None = None


class _Controller(_Wire):
    kind: str = ""
    metadata: _Meta | None = None
    spec: _TemplateSpec | None = None


class _CronJob(_Wire):
    kind: str = ""
    metadata: _Meta | None = None
    spec: _CronJobSpec | None = None


def runs_images(group: str, kind: str) -> bool:
    """Whether objects of `kind` in the API group `group` are judged."""
    return group in _GROUPS.get(kind, ())


def parse_object(
    kind: str, body: object, *, name: str = "", namespace: str | None = None
) -> ObjectFacts:
    """Return what the object in `body` says; `kind` is one of `POD_SPEC_PATHS`.

    `body` is JSON as bytes or `msgspec.Raw`, or what such a text means. `name` is that of an object
    that says none, `namespace` that of the object, whatever it says.

    Raises:
        msgspec.MsgspecError: a field that is read has another type than Kubernetes gives it.
        ValueError: the object is of another kind; says which.
    """
    if isinstance(body, bytes | msgspec.Raw):
        obj = _DECODERS[kind].decode(body)
    else:
        obj = msgspec.convert(body, _TYPES.get(kind, _Controller))
    if obj.kind and obj.kind != kind:
        raise ValueError(f"got an object of kind {obj.kind[:80]!r}, want {kind}")
    meta, template, pod_meta = _parts(obj)
    return ObjectFacts(
        kind=kind,
        name=meta.name or name,
        generate_name=meta.generate_name or "",
        namespace=(meta.namespace or "") if namespace is None else namespace,
        pod=_pod_facts(template, pod_meta.labels or {}),
        controller=_controller_of(meta),
        uid=meta.uid or "",
    )


def parse_spec(kind: str, spec: bytes) -> PodFacts:
    """Return what the specification of an object says about pods to run, as JSON.

    Of a pod, it is without labels: these stand in its metadata.

    Raises:
        msgspec.MsgspecError: a field that is read has another type than Kubernetes gives it.
    """
    value = _SPEC_DECODERS[kind].decode(spec)
    if isinstance(value, _PodSpec):
        return _pod_facts(value, {})
    template, meta = _template_parts(value)
    return _pod_facts(template, meta.labels or {})


def _parts(obj: _Pod | _Controller | _CronJob) -> tuple[_Meta, _PodSpec, _Meta]:
    """Return the object's metadata, its pod specification and the metadata of its pods.

    An object without a pod specification cannot be persisted and runs nothing; one is made up.
    """
    meta = obj.metadata or _Meta()
    if isinstance(obj, _Pod):
        return meta, obj.spec or _PodSpec(), meta
    return meta, *_template_parts(obj.spec)


def _template_parts(spec: _TemplateSpec | _CronJobSpec | None) -> tuple[_PodSpec, _Meta]:
    if isinstance(spec, _CronJobSpec):
        spec = spec.job_template.spec if spec.job_template else None
    template = (spec.template if spec else None) or _Template()
    return template.spec or _PodSpec(), template.metadata or _Meta()


def _pod_facts(spec: _PodSpec, labels: dict[str, str]) -> PodFacts:
    return PodFacts(
        containers=_images(spec.containers),
        init_containers=_images(spec.init_containers),
        ephemeral_containers=_images(spec.ephemeral_containers),
        image_volumes=tuple(
            NamedImage(volume.name, volume.image.reference, index)
            for index, volume in enumerate(spec.volumes or ())
            if volume.image is not None and volume.image.reference
        ),
        labels=labels,
        service_account=spec.service_account_name or "default",
        node_selector=spec.node_selector or {},
        node_terms=_node_terms(spec.affinity),
    )


def _images(containers: list[_Container] | None) -> tuple[NamedImage, ...]:
    """Return the containers that name an image; a template may leave it to be filled in later."""
    return tuple(
        NamedImage(container.name, container.image, index)
        for index, container in enumerate(containers or ())
        if container.image
    )


def _node_terms(affinity: _Affinity | None) -> tuple[NodeTerm, ...]:
    node = affinity.node_affinity if affinity else None
    required = node.required if node else None
    return tuple(
        NodeTerm(
            tuple(
                (requirement.key, frozenset(requirement.values or ()))
                for requirement in term.match_expressions or ()
                if requirement.operator == "In"
            )
        )
        for term in (required.node_selector_terms if required else None) or ()
    )


def _controller_of(meta: _Meta) -> ControllerReference | None:
    return next(
        (
            ControllerReference(owner.api_version, owner.kind, owner.name, owner.uid)
            for owner in meta.owner_references or ()
            if owner.controller
        ),
        None,
    )


_TYPES: dict[str, type[_Pod | _CronJob]] = {"Pod": _Pod, "CronJob": _CronJob}
"""Of the kinds that are not shaped as all others are."""

_DECODERS: dict[str, Any] = {
    kind: msgspec.json.Decoder(_TYPES.get(kind, _Controller)) for kind in POD_SPEC_PATHS
}

_SPECS = {"Pod": _PodSpec, "CronJob": _CronJobSpec}
_SPEC_DECODERS: dict[str, Any] = {
    kind: msgspec.json.Decoder(_SPECS.get(kind, _TemplateSpec)) for kind in POD_SPEC_PATHS
}
