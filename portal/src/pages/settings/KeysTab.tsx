import { useState } from "react";

import { CodeBlock, CopyText, DataTable, DetailPanel, EmptyState, ErrorState, Essentials, RelativeTime, Section, type Column } from "../../components";
import { cutMiddle } from "../../lib/format";
import { useKeys, type EvidenceKey } from "./data";
import styles from "./settings.module.css";

const FINGERPRINT_CHARS = 24;

/** The public halves of the keys that sign findings; the hub never holds the private ones. */
export function KeysTab() {
  const { items, isPending, error, refetch } = useKeys();
  const [shown, setShown] = useState<EvidenceKey | null>(null);
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <>
      <p className={`${styles["muted"]} ${styles["bar"]}`}>
        Keys that scan workers say they sign findings with. A gate trusts only what is configured in its own cluster, whatever stands here.
      </p>
      <DataTable
        label="Evidence keys"
        columns={COLUMNS}
        rows={items}
        rowKey={(row) => row.fingerprint}
        loading={isPending}
        minWidth={640}
        activeKey={shown?.fingerprint}
        onOpen={setShown}
        empty={<EmptyState title="No evidence key is known">A scan worker tells of its key once it has started.</EmptyState>}
      />
      {shown ? (
        <DetailPanel title={shown.name} subtitle="Evidence key" onClose={() => setShown(null)}>
          <Essentials
            columns={1}
            facts={[
              { name: "Fingerprint", value: <CopyText text={shown.fingerprint} label="Copy fingerprint" /> },
              { name: "Last signed", value: <RelativeTime time={shown.lastUsedAt || undefined} never="not since the worker started" /> },
            ]}
          />
          <Section title="Public key">
            <CodeBlock text={shown.publicKey} label="public key" />
          </Section>
        </DetailPanel>
      ) : null}
    </>
  );
}

const COLUMNS: readonly Column<EvidenceKey>[] = [
  { key: "name", header: "Told by worker", width: "minmax(160px, 1fr)", sortBy: (row) => row.name, render: (row) => row.name },
  {
    key: "fingerprint",
    header: "Fingerprint",
    width: "minmax(272px, 2fr)",
    render: (row) => <CopyText text={row.fingerprint} shown={cutMiddle(row.fingerprint, FINGERPRINT_CHARS)} label="Copy fingerprint" />,
  },
  {
    key: "used",
    header: "Last signed",
    width: "minmax(160px, 1fr)",
    sortBy: (row) => row.lastUsedAt,
    render: (row) => <RelativeTime time={row.lastUsedAt || undefined} never="not since it started" />,
  },
];
