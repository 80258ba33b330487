import { useMemo } from "react";

import { ApiError } from "../../api/client";
import { DataTable, Digest, EmptyState, ErrorState, Essentials, RelativeTime, Section, StatusBadge, type Column, type Fact } from "../../components";
import { capitalize, exactTime, formatCount, plural } from "../../lib/format";
import { useNow } from "../../lib/now";
import { ageOf } from "../settings/age";
import { useReport, type ImageDetail, type Report, type Subject } from "./data";
import styles from "./image.module.css";
import { ImageSkeleton } from "./ImageSkeleton";
import { NothingYet } from "./NothingYet";

type Covered = NonNullable<Report["ecosystems"]>[number];

const ROW_PX = 40;
const MOST_ROWS = 12;

/** What the findings rest on: who looked, by which advisories of which day, and what was not judged. */
export function ReportTab({ image, subject, platform }: { image: ImageDetail; subject: Subject; platform: string }) {
  const { data, error, refetch } = useReport(subject, platform);
  const now = useNow();
  const columns = useMemo(() => columnsOf(now), [now]);
  if (error instanceof ApiError && error.status === 404) return <NothingYet image={image} what="report" />;
  if (error && !data) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <ImageSkeleton />;
  const ecosystems = data.ecosystems ?? [];
  const missing = ecosystems.filter(isMissing).reduce((sum, each) => sum + each.packageCount, 0);
  const packages = ecosystems.reduce((sum, each) => sum + each.packageCount, 0);
  return (
    <div className={styles["scroll"]}>
      <Essentials facts={factsOf(data)} />
      <Section title={`Judged: ${formatCount(packages - missing)} of ${plural(packages, "package")}`}>
        <DataTable
          label="What was judged"
          columns={columns}
          rows={ecosystems}
          rowKey={(row) => row.ecosystem}
          minWidth={600}
          maxHeight={ROW_PX * (Math.min(ecosystems.length, MOST_ROWS) + 1) + 2}
          empty={<EmptyState title="No package was recognised">What is in this image was not judged.</EmptyState>}
        />
      </Section>
      <Section title={`Seen and not understood (${data.notUnderstood?.length ?? 0})`} open={Boolean(data.notUnderstood?.length)}>
        {data.notUnderstood?.length ? (
          <ul className={styles["gaps"]}>
            {data.notUnderstood.map((sentence) => (
              <li key={sentence}>{capitalize(sentence)}</li>
            ))}
          </ul>
        ) : (
          <p className={styles["muted"]}>Nothing.</p>
        )}
      </Section>
    </div>
  );
}

export const isMissing = (row: Covered): boolean => row.packageCount > 0 && !row.source;

function factsOf(report: Report): Fact[] {
  const { origin } = report;
  return [
    { name: "Scanner", value: `${report.scanner} ${report.scannerVersion}` },
    { name: "Scanned", value: <RelativeTime time={report.finishedAt} /> },
    { name: "Advisories", value: report.database ? <span title={report.database}>{report.database}</span> : "by ecosystem, below" },
    { name: "Packages listed", value: report.packagesListedAt ? <RelativeTime time={report.packagesListedAt} /> : "in the same scan" },
    {
      name: "Advisories’ age",
      value: report.databaseUpdatedAt ? (
        <>
          <RelativeTime time={report.databaseUpdatedAt} />, the oldest of them
        </>
      ) : (
        "not said"
      ),
    },
    { name: "Made from", value: origin ? `a report in the format ${origin.format}` : "the image itself" },
    ...(origin
      ? [
          { name: "Vouched for by", value: origin.source || "who holds the evidence key" },
          { name: "Taken from", value: origin.artifact ? <Digest digest={origin.artifact} /> : "a file" },
          { name: "Its bytes", value: <Digest digest={origin.digest} /> },
        ]
      : []),
  ];
}

function columnsOf(now: Date): readonly Column<Covered>[] {
  return [
    { key: "ecosystem", header: "Ecosystem", width: "minmax(144px, 1fr)", sortBy: (row) => row.ecosystem, render: (row) => row.ecosystem },
    { key: "packages", header: "Packages", width: "104px", sortBy: (row) => row.packageCount, render: (row) => formatCount(row.packageCount) },
    {
      key: "source",
      header: "Judged by",
      width: "minmax(160px, 1.4fr)",
      sortBy: (row) => row.source ?? "",
      render: (row) => (isMissing(row) ? <NotCovered /> : <span title={row.source}>{row.source || "–"}</span>),
    },
    {
      key: "updated",
      header: "Newest record",
      width: "minmax(152px, 1fr)",
      sortBy: (row) => row.sourceUpdatedAt ?? "",
      render: (row) =>
        row.sourceUpdatedAt ? (
          <StatusBadge tone={ageOf(row.sourceUpdatedAt, now)} title={exactTime(new Date(row.sourceUpdatedAt))}>
            <RelativeTime time={row.sourceUpdatedAt} />
          </StatusBadge>
        ) : (
          <span className={styles["muted"]}>{isMissing(row) ? "–" : "not said"}</span>
        ),
    },
  ];
}

export const NotCovered = () => (
  <StatusBadge tone="warning" title="No advisories are known for it: its packages were listed, and not judged">
    Not covered
  </StatusBadge>
);
