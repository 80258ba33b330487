import { DataTable, Digest, EmptyState, RelativeTime, SeverityCounts, StatusBadge, type Column } from "../../components";
import { badness } from "../../lib/counts";
import type { ScanRecord } from "./data";
import styles from "./image.module.css";

/** The scans so far, newest first. */
export function ScansTab({ scans }: { scans: readonly ScanRecord[] }) {
  return (
    <DataTable
      label="Scans"
      columns={COLUMNS}
      rows={scans}
      rowKey={(row) => `${row.scannedAt} ${row.digest} ${row.scanner}`}
      minWidth={900}
      empty={<EmptyState title="Never scanned">Each scan leaves a row here.</EmptyState>}
    />
  );
}

const COLUMNS: readonly Column<ScanRecord>[] = [
  { key: "at", header: "Scanned", width: "minmax(120px, 0.8fr)", sortBy: (row) => row.scannedAt, render: (row) => <RelativeTime time={row.scannedAt} /> },
  { key: "platform", header: "Platform", width: "minmax(120px, 0.8fr)", sortBy: (row) => row.platform, render: (row) => row.platform },
  { key: "scanner", header: "Scanner", width: "minmax(104px, 0.8fr)", sortBy: (row) => row.scanner, render: (row) => row.scanner },
  { key: "counts", header: "Findings", width: "minmax(256px, 1.4fr)", sortBy: (row) => badness(row.counts), render: (row) => <SeverityCounts counts={row.counts} /> },
  {
    key: "complete",
    header: "Report",
    width: "minmax(128px, 0.8fr)",
    sortBy: (row) => (row.complete ? 1 : 0),
    render: (row) => (row.complete ? <StatusBadge tone="good">Complete</StatusBadge> : <StatusBadge tone="warning">Incomplete</StatusBadge>),
  },
  {
    key: "artifact",
    header: "Artifact",
    width: "minmax(208px, 1fr)",
    render: (row) => (row.artifact ? <Digest digest={row.artifact} /> : <span className={styles["muted"]}>nothing attached</span>),
  },
];
