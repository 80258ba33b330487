import { DataTable, EmptyState, ErrorState, RelativeTime, StatusBadge, type Column } from "../../components";
import { exactTime, formatCount } from "../../lib/format";
import { useNow } from "../../lib/now";
import { useMemo } from "react";
import { ageOf } from "./age";
import { useAdvisories, type AdvisorySource } from "./data";
import styles from "./settings.module.css";

/** What scan workers judge by, and how old it is. */
export function AdvisoriesTab() {
  const { items, isPending, error, refetch } = useAdvisories();
  const now = useNow();
  const columns = useMemo(() => columnsOf(now), [now]);
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <>
      <p className={`${styles["muted"]} ${styles["bar"]}`}>Where workers differ, the oldest of theirs is shown. An ecosystem without a row is not judged.</p>
      <DataTable
        label="Advisories"
        columns={columns}
        rows={items}
        rowKey={(row) => `${row.ecosystem} ${row.source}`}
        loading={isPending}
        minWidth={780}
        empty={<EmptyState title="No advisories are known">A scan worker tells of its advisories once it has started.</EmptyState>}
      />
    </>
  );
}

function columnsOf(now: Date): readonly Column<AdvisorySource>[] {
  return [
    { key: "ecosystem", header: "Ecosystem", width: "minmax(160px, 1fr)", sortBy: (row) => row.ecosystem, render: (row) => row.ecosystem },
    { key: "source", header: "Source", width: "minmax(160px, 1fr)", sortBy: (row) => row.source, render: (row) => row.source },
    { key: "records", header: "Records", width: "minmax(96px, 0.6fr)", sortBy: (row) => row.records, render: (row) => formatCount(row.records) },
    {
      key: "updated",
      header: "Newest record",
      width: "minmax(200px, 1fr)",
      sortBy: (row) => row.updatedAt,
      render: (row) => {
        const age = ageOf(row.updatedAt, now);
        return (
          <StatusBadge tone={age} title={row.updatedAt ? exactTime(new Date(row.updatedAt)) : ""}>
            <RelativeTime time={row.updatedAt || undefined} never="not known" />
          </StatusBadge>
        );
      },
    },
    {
      key: "imported",
      header: "Imported",
      width: "minmax(140px, 0.8fr)",
      sortBy: (row) => row.importedAt ?? "",
      render: (row) => <RelativeTime time={row.importedAt || undefined} never="never" />,
    },
  ];
}
