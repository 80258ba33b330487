"""The gate's answer to the canary of its own agent; nobody else gets one."""

from tidegate.domain.workload import images_of
from tidegate.wire.admission_v1 import AdmissionRequest, render_response
from tidegate.wire.canary import (
    AGENT_USER,
    BAD_IMAGE,
    GOOD_IMAGE,
    canary_message,
)
from tidegate.wire.names import CANARY_NAMESPACE


def canary_answer(request: AdmissionRequest) -> bytes | None:
    """Return the fixed answer to the agent's canary; None: judged like everything else.

    The user is the API server's word. A dry run admits nothing, so nobody gains by this answer,
    the agent included: without the dry run its canaries are images like all others.
    """
    if not request.dry_run or request.user != AGENT_USER or request.object is None:
        return None
    if (request.namespace, request.kind, request.operation) != (CANARY_NAMESPACE, "Pod", "CREATE"):
        return None
    match [use.image for use in images_of(request.object)]:
        case [only] if only == BAD_IMAGE:
            message = canary_message(request.name)
            return render_response(request.uid, allowed=False, message=message)
        case [only] if only == GOOD_IMAGE:
            return render_response(request.uid, allowed=True)
        case _:
            return None
