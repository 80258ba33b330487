import { useMemo } from "react";

import { CodeBlock, DetailPanel, Essentials, Section } from "../../components";
import { exactTime } from "../../lib/format";
import styles from "./audit.module.css";
import { ROLES, type Entry } from "./AuditPage";
import { actionWords, diff, targetName } from "./diff";

/** One change with what was there before and after. */
export function ChangePanel({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const changes = useMemo(() => diff(entry.before, entry.after), [entry]);
  return (
    <DetailPanel title={actionWords(entry.action)} subtitle={targetName(entry.target, entry.after, entry.before)} onClose={onClose}>
      <Essentials
        columns={1}
        facts={[
          { name: "When", value: exactTime(new Date(entry.at)) },
          { name: "Who", value: entry.actor },
          { name: "As", value: ROLES[entry.role] ?? entry.role },
          { name: "Action", value: <span className={styles["mono"]}>{entry.action}</span> },
          { name: "Target", value: <span className={styles["mono"]}>{entry.target}</span> },
        ]}
      />
      <Section title={`What changed (${changes.length})`}>
        {changes.length ? <Changes changes={changes} /> : <span className={styles["nothing"]}>No value differs.</span>}
      </Section>
      {entry.before != null ? (
        <Section title="Before, whole" open={false}>
          <CodeBlock text={JSON.stringify(entry.before, null, 2)} label="value before" />
        </Section>
      ) : null}
      {entry.after != null ? (
        <Section title="After, whole" open={false}>
          <CodeBlock text={JSON.stringify(entry.after, null, 2)} label="value after" />
        </Section>
      ) : null}
    </DetailPanel>
  );
}

function Changes({ changes }: { changes: ReturnType<typeof diff> }) {
  return (
    <table className={styles["changes"]}>
      <thead>
        <tr>
          <th scope="col" className={styles["field"]}>
            Field
          </th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, kind, before, after }) => (
          <tr key={path}>
            <td className={styles["path"]}>{path}</td>
            <td className={kind === "added" ? styles["nothing"] : styles["before"]}>{kind === "added" ? "was not there" : before || "empty"}</td>
            <td className={kind === "removed" ? styles["nothing"] : styles["after"]}>{kind === "removed" ? "is gone" : after || "empty"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
