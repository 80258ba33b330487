import { Button } from "@fluentui/react-components";
import { Link } from "react-router";

import { CodeBlock, DetailPanel, ErrorState, Section, StatusBadge } from "../../components";
import { RE_ADMISSION } from "../clusters/protection";
import { useClusterList } from "../clusters/data";
import { OBJECT, WINDOW_DAYS } from "./reAdmission";
import styles from "./ReAdmission.module.css";

/** What `reAdmission: Audit` does, how to say so in a cluster, and which clusters do. */
export function ReAdmissionPanel({ onClose }: { onClose: () => void }) {
  const { items, error, refetch, isPending } = useClusterList();
  const telling = items.filter(({ protection }) => protection);
  return (
    <DetailPanel title="Own pods of workloads" subtitle="Recommended while deny rules are new" footer={<Button onClick={onClose}>Close</Button>} onClose={onClose}>
      <div className={styles["panel"]}>
        <p>
          A deny rule judges every pod that is made anew, also of a workload that was admitted before. With{" "}
          <code>reAdmission: Audit</code> such pods come back for {WINDOW_DAYS} days after a later finding made their image bad, with a
          warning and an event each, so that there is time to repair. Forbidden vulnerabilities, changed rules and evidence that is
          missing are denied as ever.
        </p>
        <Section title="In a cluster">
          <p className={styles["text"]}>
            It is each cluster’s own decision and stands in an object beside the hub’s. Apply it there, and begin while the rule still
            audits: what was deployed before is not remembered.
          </p>
          <CodeBlock label="YAML" text={OBJECT} />
          <p className={styles["text"]}>
            The agent needs a folder that outlives its pod for what it remembers: <code>agent.existingClaim</code> of the chart.
          </p>
        </Section>
        <Section title="Clusters">
          {error ? <ErrorState error={error} onRetry={refetch} /> : null}
          {telling.length ? (
            <ul className={styles["clusters"]} aria-label="What each cluster says">
              {telling.map(({ name, protection }) => {
                const [tone, text] = RE_ADMISSION[protection?.reAdmission ?? "unknown"];
                return (
                  <li key={name} className={styles["cluster"]}>
                    <Link className={styles["link"]} to={`/clusters/${encodeURIComponent(name)}`}>
                      {name}
                    </Link>
                    <StatusBadge tone={tone}>{text}</StatusBadge>
                  </li>
                );
              })}
            </ul>
          ) : isPending || error ? null : (
            <p className={styles["text"]}>No cluster has told what it does yet.</p>
          )}
        </Section>
      </div>
    </DetailPanel>
  );
}
