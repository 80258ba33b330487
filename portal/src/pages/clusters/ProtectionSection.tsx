import { Essentials, RelativeTime, Section, StatusBadge, type Fact } from "../../components";
import { plural } from "../../lib/format";
import styles from "./clusters.module.css";
import { useCluster, type Cluster } from "./data";
import { CANARY, DETECTION, isAlarming, RE_ADMISSION, unjudgedOf, WEBHOOK, WHY, type Protection } from "./protection";

/** What the cluster's agent sees of its gate: whether it is asked, and who runs without it. */
export function ProtectionSection({ cluster }: { cluster: Cluster }) {
  const whole = useCluster(cluster.name).data ?? cluster;
  const protection = whole.protection;
  if (!protection) return null;
  const pods = (protection.unjudgedPods ?? []).filter((pod) => isAlarming(pod.why));
  return (
    <Section title="Protection">
      <Essentials facts={facts(protection)} columns={1} />
      {pods.length ? (
        <ul className={styles["pods"]} aria-label="Pods that run without a verdict">
          {pods.map((pod) => (
            <li key={`${pod.namespace}/${pod.name}`} className={styles["pod"]}>
              <span className={styles["podName"]}>
                {pod.namespace}/{pod.name}
              </span>
              <span className={styles["muted"]}>
                {WHY[pod.why]}, created <RelativeTime time={pod.createdAt} />
              </span>
              {pod.images?.map((image) => (
                <span key={image} className={styles["podImage"]}>
                  {image}
                </span>
              ))}
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}

function glasses({ breakGlassCount: count = 0 }: Protection) {
  return count ? <StatusBadge tone="warning">{plural(count, "object")} in force, below</StatusBadge> : "none in force";
}

function facts(protection: Protection): Fact[] {
  const [webhookTone, webhook] = WEBHOOK[protection.webhook ?? "unknown"];
  const [canaryTone, canary] = CANARY[protection.canary ?? "unknown"];
  const [detectionTone, detection] = DETECTION[protection.detection ?? "off"];
  const unjudged = unjudgedOf(protection);
  const reAdmission = protection.reAdmission ? RE_ADMISSION[protection.reAdmission] : undefined;
  return [
    { name: "Webhook configuration", value: <StatusBadge tone={webhookTone}>{webhook}</StatusBadge> },
    {
      name: "Canary",
      value: (
        <>
          <StatusBadge tone={canaryTone}>{canary}</StatusBadge>
          {protection.canaryPassedAt && canaryTone !== "good" ? (
            <span className={styles["muted"]}>
              , last passed <RelativeTime time={protection.canaryPassedAt} />
            </span>
          ) : null}
        </>
      ),
    },
    { name: "Detection", value: <StatusBadge tone={detectionTone}>{detection}</StatusBadge> },
    {
      name: "Pods without a verdict",
      value: unjudged.length ? (
        <span className={styles["whys"]}>
          {unjudged.map(({ why, text, count, tone }) => (
            <StatusBadge key={why} tone={tone}>
              {count} · {text}
            </StatusBadge>
          ))}
        </span>
      ) : (
        "none"
      ),
    },
    { name: "Break-glass", value: protection.breakGlass ? glasses(protection) : "not known: the agent could not read it" },
    ...(reAdmission
      ? [{ name: "Own pods of workloads", value: <StatusBadge tone={reAdmission[0]}>{reAdmission[1]}</StatusBadge> }]
      : []),
    ...(protection.failedOpen
      ? [{ name: "Failed open", value: <StatusBadge tone="bad">{protection.failedOpen} requests in the last day, by the audit log</StatusBadge> }]
      : []),
  ];
}
