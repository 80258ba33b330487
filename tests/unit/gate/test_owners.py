"""Owners are followed by UID, on a cluster in memory."""

import pytest

from tidegate.domain.workload import ControllerReference, Lookup, Owner
from tidegate.gate.owners import KubernetesFacts, NoCluster, ObjectMeta

DEPLOYMENT = ControllerReference("apps/v1", "Deployment", "web", "u-deploy")
REPLICA_SET = ControllerReference("apps/v1", "ReplicaSet", "web-1", "u-rs")
STATEFUL_SET = ControllerReference("apps/v1", "StatefulSet", "db", "u-st")
CRON_JOB = ControllerReference("batch/v1", "CronJob", "nightly", "u-cron")
JOB = ControllerReference("batch/v1", "Job", "nightly-1", "u-job")


class ApiServer:
    def __init__(self) -> None:
        self.objects = {
            ("ReplicaSet", "default", "web-1"): ObjectMeta("u-rs", {}, DEPLOYMENT),
            ("Deployment", "default", "web"): ObjectMeta("u-deploy", {}, None),
            ("StatefulSet", "default", "db"): ObjectMeta("u-st", {}, None),
            ("CronJob", "default", "nightly"): ObjectMeta("u-cron", {}, None),
            ("Job", "default", "nightly-1"): ObjectMeta("u-job", {}, CRON_JOB),
            ("Namespace", "", "default"): ObjectMeta("u-ns", {"team": "a"}, None),
        }
        self.down = False
        self.reads = 0
        self.now_s = 0.0

    async def read(self, _version: str, kind: str, namespace: str, name: str) -> ObjectMeta | None:
        self.reads += 1
        if self.down:
            raise ConnectionError("down")
        return self.objects.get((kind, namespace, name))

    def facts(self) -> KubernetesFacts:
        return KubernetesFacts(self.read, lambda: self.now_s)


def foreign(kind: str) -> ControllerReference:
    return ControllerReference("argoproj.io/v1alpha1", kind, "web", "u")


@pytest.mark.parametrize(
    ("controller", "owners"),
    [
        pytest.param(
            REPLICA_SET,
            (Owner("ReplicaSet", "web-1"), Owner("Deployment", "web")),
            id="deployment-by-its-replica-set",
        ),
        pytest.param(
            JOB, (Owner("Job", "nightly-1"), Owner("CronJob", "nightly")), id="cron-job-by-its-job"
        ),
        pytest.param(DEPLOYMENT, (Owner("Deployment", "web"),), id="claimed-top"),
        pytest.param(
            ControllerReference("apps/v1", "ReplicaSet", "web-1", "u-other"),
            Lookup.ABSENT,
            id="t10-another-uid",
        ),
        pytest.param(
            ControllerReference("apps/v1", "ReplicaSet", "gone", "u-rs"), Lookup.ABSENT, id="gone"
        ),
        pytest.param(foreign("Rollout"), (Owner("Rollout", "web"),), id="foreign-kind"),
        pytest.param(
            foreign("Deployment"),
            (Owner("Deployment.argoproj.io", "web"),),
            id="t10-foreign-kind-under-our-name",
        ),
    ],
)
async def test_t10_owners_are_followed_by_uid(
    controller: ControllerReference, owners: tuple[Owner, ...] | Lookup
) -> None:
    assert await ApiServer().facts().owners("default", controller, budget_s=1) == owners


@pytest.mark.parametrize(
    ("controller", "uids"),
    [
        pytest.param(REPLICA_SET, ("u-rs", "u-deploy"), id="deployment-by-its-replica-set"),
        pytest.param(JOB, ("u-job", "u-cron"), id="cron-job-by-its-job"),
        pytest.param(STATEFUL_SET, ("u-st",), id="top"),
        pytest.param(
            ControllerReference("apps/v1", "StatefulSet", "db", "u-other"),
            Lookup.ABSENT,
            id="t10-another-uid",
        ),
        pytest.param(
            ControllerReference("apps/v1", "DaemonSet", "db", "u-st"),
            Lookup.ABSENT,
            id="t10-another-kind",
        ),
        pytest.param(foreign("Rollout"), (), id="t10-foreign-kind"),
        pytest.param(foreign("StatefulSet"), (), id="t10-foreign-kind-under-our-name"),
    ],
)
async def test_t10_uids_are_those_of_owners_that_exist(
    controller: ControllerReference, uids: tuple[str, ...] | Lookup
) -> None:
    assert await ApiServer().facts().owner_uids("default", controller, budget_s=1) == uids


async def test_t10_a_deployment_that_is_gone_controls_nothing() -> None:
    server = ApiServer()
    server.objects["Deployment", "default", "web"] = ObjectMeta("u-next", {}, None)
    assert await server.facts().owner_uids("default", REPLICA_SET, budget_s=1) is Lookup.ABSENT
    del server.objects["Deployment", "default", "web"]
    assert await server.facts().owner_uids("default", REPLICA_SET, budget_s=1) is Lookup.ABSENT


async def test_t10_a_foreign_kind_above_ends_the_uids_before_itself() -> None:
    server = ApiServer()
    above = ObjectMeta("u-rs", {}, foreign("Rollout"))
    server.objects["ReplicaSet", "default", "web-1"] = above
    assert await server.facts().owner_uids("default", REPLICA_SET, budget_s=1) == ("u-rs",)


async def test_a_found_owner_is_kept_for_a_moment_and_an_absent_one_is_asked_again() -> None:
    server = ApiServer()
    facts = server.facts()
    for _ in range(3):
        await facts.owners("default", REPLICA_SET, budget_s=1)
    assert server.reads == 1
    server.now_s = 60
    del server.objects["ReplicaSet", "default", "web-1"]
    for _ in range(2):
        assert await facts.owners("default", REPLICA_SET, budget_s=1) is Lookup.ABSENT
    assert server.reads == 3


async def test_what_could_not_be_asked_is_failed_and_never_absent() -> None:
    server = ApiServer()
    server.down = True
    facts = server.facts()
    assert await facts.owners("default", REPLICA_SET, budget_s=1) is Lookup.FAILED
    assert await facts.owner_uids("default", REPLICA_SET, budget_s=1) is Lookup.FAILED
    assert await facts.namespace_labels("default", budget_s=1) is Lookup.FAILED
    server.down = False
    assert await facts.namespace_labels("default", budget_s=1) == {"team": "a"}
    assert await facts.namespace_labels("gone", budget_s=1) is Lookup.FAILED


async def test_changed_namespace_labels_are_seen_within_a_second() -> None:
    server = ApiServer()
    facts = server.facts()
    await facts.namespace_labels("default", budget_s=1)
    server.objects["Namespace", "", "default"] = ObjectMeta("u-ns", {"team": "b"}, None)
    server.now_s = 1.0
    assert await facts.namespace_labels("default", budget_s=1) == {"team": "b"}


async def test_without_a_cluster_nothing_can_be_looked_up() -> None:
    assert await NoCluster().owners("default", REPLICA_SET, budget_s=1) is Lookup.FAILED
    assert await NoCluster().owner_uids("default", REPLICA_SET, budget_s=1) is Lookup.FAILED
    assert await NoCluster().namespace_labels("default", budget_s=1) is Lookup.FAILED
