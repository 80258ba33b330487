"""What the API server answers about a canary is told apart by whose answer it is."""

import httpx2
import pytest
from lightkube import ApiError

from tidegate.agent.canary import Came, read_answer
from tidegate.wire.canary import canary_message

NAME = "canary-bad-0123456789ab"
OURS = 'admission webhook "gate.tidegate.io" denied the request: '


def error(code: int, message: str) -> ApiError:
    body = {"kind": "Status", "code": code, "message": message, "reason": "x"}
    request = httpx2.Request("POST", "http://api")
    return ApiError(request=request, response=httpx2.Response(code, json=body, request=request))


ANSWERS = [
    pytest.param("bad", error(403, OURS + canary_message(NAME)), Came.EXPECTED, id="as-it-should"),
    pytest.param("good", None, Came.EXPECTED, id="good-admitted"),
    pytest.param("bad", None, Came.ADMITTED, id="bad-admitted"),
    pytest.param(
        "bad", error(403, OURS + "Tidegate could not decide, so it denies"), Came.REFUSED,
        id="cannot-decide",
    ),
    pytest.param(
        "bad", error(403, OURS + canary_message("canary-bad-of-yesterday")), Came.REFUSED,
        id="anothers-answer",
    ),
    pytest.param("good", error(403, OURS + canary_message(NAME)), Came.REFUSED, id="good-refused"),
    pytest.param(
        "bad",
        error(500, 'Internal error occurred: failed calling webhook "gate.tidegate.io": dial'),
        Came.NOT_REACHED,
        id="down",
    ),
    pytest.param(
        "bad", error(403, 'admission webhook "other.example" denied the request: no'),
        Came.BLOCKED, id="another-webhook",
    ),
    pytest.param(
        "bad", error(403, f'admission webhook "other.example" denied the request: {canary_message(NAME)}'),
        Came.BLOCKED, id="another-webhook-with-our-words",
    ),
    pytest.param(
        "bad", error(500, 'Internal error occurred: failed calling webhook "other.example": dial'),
        Came.BLOCKED, id="another-webhook-down",
    ),
    pytest.param(
        "bad", error(403, f'pods "{NAME}" is forbidden: violates PodSecurity "restricted"'),
        Came.BLOCKED, id="pod-security",
    ),
    pytest.param(
        "good", error(403, f'pods "{NAME}" is forbidden: exceeded quota: q'), Came.BLOCKED,
        id="quota",
    ),
    pytest.param(
        "bad", error(404, 'namespaces "tidegate-canary" not found'), Came.BLOCKED, id="no-namespace"
    ),
    pytest.param("bad", error(500, "etcdserver: request timed out"), Came.UNKNOWN, id="etcd"),
    pytest.param("bad", error(429, "too many requests"), Came.UNKNOWN, id="too-many"),
    pytest.param("bad", httpx2.ConnectError("refused"), Came.UNKNOWN, id="no-api-server"),
]  # fmt: skip


@pytest.mark.parametrize(("pod", "answer", "came"), ANSWERS)
def test_t12_an_answer_about_the_canary_is_told_apart(
    pod: str, answer: Exception | None, came: Came
) -> None:
    outcome = read_answer(pod, NAME, answer)
    assert outcome.came is came
    assert NAME not in outcome.said  # the same trouble reads the same each minute
