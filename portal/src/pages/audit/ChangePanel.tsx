import { useMemo } from "react";
import { Link } from "react-router";

import { Changes, CodeBlock, DetailPanel, ErrorState, Essentials, Section } from "../../components";
import { diff, type Json } from "../../lib/diff";
import { exactTime } from "../../lib/format";
import styles from "./audit.module.css";
import { useEntry, type Entry } from "./data";
import { actionWords, ROLES, targetName } from "./words";

interface Props {
  id: string;
  /** As the list has it, where it has it. */
  known: Entry | undefined;
  onClose: () => void;
}

/** One change with what was there before and after. */
export function ChangePanel({ id, known, onClose }: Props) {
  const { data: entry, error, refetch } = useEntry(id, known);
  if (error) {
    return (
      <DetailPanel title="Change" onClose={onClose}>
        <ErrorState error={error} onRetry={() => void refetch()} />
      </DetailPanel>
    );
  }
  if (!entry) return <DetailPanel title="Change" onClose={onClose}>{null}</DetailPanel>;
  return (
    <DetailPanel title={actionWords(entry.action)} subtitle={targetName(entry.target, entry.after, entry.before)} onClose={onClose}>
      <Essentials
        columns={1}
        facts={[
          { name: "When", value: exactTime(new Date(entry.at)) },
          { name: "Who", value: <Link to={`/audit?actor=${encodeURIComponent(entry.actor)}`}>{entry.actor}</Link> },
          { name: "As", value: ROLES[entry.role] ?? entry.role },
          { name: "Action", value: <span className={styles["mono"]}>{entry.action}</span> },
          {
            name: "Target",
            value: (
              <Link className={styles["mono"]} title="All changes of it" to={`/audit?object=${encodeURIComponent(objectOf(entry.target))}`}>
                {entry.target}
              </Link>
            ),
          },
        ]}
      />
      <WhatChanged before={entry.before} after={entry.after} />
    </DetailPanel>
  );
}

/** Returns the object that a target belongs to: of `rule/4f28/priority` the rule. */
const objectOf = (target: string): string => target.split("/").slice(0, 2).join("/");

function WhatChanged({ before, after }: { before: Json; after: Json }) {
  const changes = useMemo(() => diff(before, after).filter(({ path }) => path !== "etag"), [before, after]);
  return (
    <>
      <Section title={`What changed (${changes.length})`}>
        {changes.length ? <Changes changes={changes} /> : <span className={styles["nothing"]}>No value differs.</span>}
      </Section>
      {before != null ? (
        <Section title="Before, whole" open={false}>
          <CodeBlock text={JSON.stringify(before, null, 2)} label="value before" />
        </Section>
      ) : null}
      {after != null ? (
        <Section title="After, whole" open={false}>
          <CodeBlock text={JSON.stringify(after, null, 2)} label="value after" />
        </Section>
      ) : null}
    </>
  );
}
