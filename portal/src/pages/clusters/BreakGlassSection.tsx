import { Link } from "react-router";

import { Digest, RelativeTime, Section } from "../../components";
import styles from "./clusters.module.css";
import { useCluster, type Cluster } from "./data";

/** What people let in by hand, and until when; Kubernetes' audit log says who they are. */
export function BreakGlassSection({ cluster }: { cluster: Cluster }) {
  const protection = (useCluster(cluster.name).data ?? cluster).protection;
  const count = protection?.breakGlassCount ?? 0;
  const objects = protection?.breakGlass ?? [];
  if (!count) return null;
  return (
    <Section title={`Break-glass in force (${count})`}>
      <ul className={styles["pods"]} aria-label="Break-glass in force">
        {objects.map((object) => (
          <li key={object.name} className={styles["pod"]}>
            <span className={styles["podName"]}>{object.name}</span>
            <span>{object.reason}</span>
            <span className={styles["muted"]}>
              lets one image into {object.namespace}, made <RelativeTime time={object.since} />, ends <RelativeTime time={object.until} />
            </span>
            <span className={styles["podImage"]}>
              <Digest digest={object.digest} />
            </span>
          </li>
        ))}
      </ul>
      {count > objects.length && objects.length ? <p className={styles["muted"]}>and {count - objects.length} more</p> : null}
      <p className={styles["note"]}>
        <Link className={styles["link"]} to={`/monitoring?${new URLSearchParams({ cluster: cluster.name, reason: "BreakGlass", range: "7d" })}`}>
          What was let in by them
        </Link>
      </p>
      <p className={styles["muted"]}>Who made them stands in the API server’s audit log.</p>
    </Section>
  );
}
