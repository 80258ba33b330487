import { Essentials, RelativeTime, Section, StatusBadge, type Fact } from "../../components";
import styles from "./clusters.module.css";
import { useCluster, type Cluster } from "./data";
import { CANARY, DETECTION, isAlarming, unjudgedOf, WEBHOOK, WHY, type Protection } from "./protection";

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

function facts(protection: Protection): Fact[] {
  const [webhookTone, webhook] = WEBHOOK[protection.webhook ?? "unknown"];
  const [canaryTone, canary] = CANARY[protection.canary ?? "unknown"];
  const [detectionTone, detection] = DETECTION[protection.detection ?? "off"];
  const unjudged = unjudgedOf(protection);
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
    ...(protection.failedOpen
      ? [{ name: "Failed open", value: <StatusBadge tone="bad">{protection.failedOpen} requests in the last day, by the audit log</StatusBadge> }]
      : []),
  ];
}
