"""A connection to the Kubernetes API, and our own kinds of objects."""

from pathlib import Path

import httpx2
import msgspec
import yaml
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import create_global_resource

from tidegate.domain.errors import ClusterUnavailableError, MissingSettingError
from tidegate.wire import break_glass_v1alpha1 as break_glass
from tidegate.wire.policy_v1alpha1 import GROUP, KIND, PLURAL, VERSION

SecurityArtifactPolicy = create_global_resource(GROUP, VERSION, KIND, PLURAL)
"""lightkube's class of our objects: mappings with `metadata`."""

BreakGlassObject = create_global_resource(GROUP, VERSION, break_glass.KIND, break_glass.PLURAL)

CALL_S = 10.0
"""How long one call may take; watches are bounded by `watch.WATCH_S`."""

# KeyError: lightkube reads Content-Type of an error's answer without asking whether there is one.
API_ERRORS = (httpx2.HTTPError, OSError, KeyError, ValueError, msgspec.MsgspecError)
"""What a call raises when the API server is away, refuses, or answers with something else."""


def connect(kubeconfig: Path | None, field_manager: str) -> AsyncClient:
    """Return a client by the current context of `kubeconfig`, or of the pod where it is None.

    Proxies of the environment are not used: a service account's token goes to the cluster alone.

    Raises:
        MissingSettingError: there is no such file, context or service account.
    """
    try:
        if kubeconfig is None:
            config = KubeConfig.from_service_account()
        else:
            config = KubeConfig.from_file(kubeconfig)
        chosen = config.get()
        if chosen is None or chosen.user is None:
            raise ConfigError("its context names no user")
        return AsyncClient(
            config=chosen,
            timeout=httpx2.Timeout(CALL_S),
            trust_env=False,
            field_manager=field_manager,
        )
    except (ConfigError, OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        where = kubeconfig or "the pod's service account"
        raise MissingSettingError(
            f"connecting to the cluster by {where}: {type(error).__name__}: {error}; want a "
            "kubeconfig with a current context, or to run in a pod"
        ) from error


def status_code(error: Exception) -> int | None:
    """Return the HTTP status that `error` stands for; None for one without an answer."""
    if isinstance(error, ApiError) and error.status.code:
        return int(error.status.code)
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code
    return None


def describe(error: Exception) -> str:
    """Return what the API server said, or why it said nothing, in one line."""
    said = " ".join(str(error).split()) or type(error).__name__
    code = status_code(error)
    return said if code is None or str(code) in said else f"HTTP {code}: {said}"


def unavailable(what: str, error: Exception) -> ClusterUnavailableError:
    """Return the error that says that `what` failed and how."""
    return ClusterUnavailableError(f"{what}: {describe(error)}")
