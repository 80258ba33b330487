import { Dropdown, Option } from "@fluentui/react-components";
import { ChevronDown16Regular, ChevronRight16Regular, ShieldCheckmark48Regular } from "@fluentui/react-icons";
import { useMemo, useState } from "react";

import { ApiError } from "../../api/client";
import { DataTable, EmptyState, ErrorState, FilterBar, SeverityCounts, type Column } from "../../components";
import { SEVERITIES, SeverityMark } from "../../components/SeverityCounts";
import { capitalize, plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { useFindings, type Finding, type ImageDetail, type Platform, type Subject } from "./data";
import { FindingPanel } from "./FindingPanel";
import { filterFindings, groupFindings, keyOf, rowsOf, severityRank, type Grouping, type Row } from "./findings";
import styles from "./image.module.css";
import { NothingYet } from "./NothingYet";

const GROUPINGS: Record<Grouping, string> = { none: "No grouping", package: "By package", fix: "By fix", path: "By evidence path" };
const FIXES: Record<string, string> = { "": "With or without a fix", yes: "With a fix", no: "Without a fix" };

interface Props {
  image: ImageDetail;
  subject: Subject;
  platform: Platform | undefined;
}

/** What the newest report found on one platform. */
export function FindingsTab({ image, subject, platform }: Props) {
  const { items, isPending, error, refetch, hasMore } = useFindings(subject, platform?.digest ?? "");
  const [search, setSearch] = useParam("search");
  const [severity, setSeverity] = useParam("severity");
  const [fixed, setFixed] = useParam("fixed");
  const [grouping, setGrouping] = useParam("group", "none");
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<Finding | null>(null);
  const severities = useMemo(() => severity.split(",").filter(Boolean), [severity]);
  const matching = useMemo(() => filterFindings(items, { search, severities, fixed }), [items, search, severities, fixed]);
  const grouped = isGrouping(grouping) ? grouping : null;
  const rows = useMemo(
    () =>
      grouped
        ? rowsOf(groupFindings(matching, grouped), opened)
        : matching.map((finding): Row => ({ kind: "finding", finding, key: keyOf(finding) })),
    [matching, grouped, opened],
  );
  const columns = grouped ? GROUPED_COLUMNS : COLUMNS;
  const open = (row: Row) => {
    if (row.kind === "finding") setShown(row.finding);
    else setOpened(toggled(opened, row.group.key));
  };
  if (error) return lacks(error) ? <NothingYet image={image} what="finding" /> : <ErrorState error={error} onRetry={refetch} />;
  return (
    <>
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by id, package or path"
        status={isPending || hasMore ? "Loading" : countWords(matching.length, items.length)}
      >
        <Dropdown
          className={styles["narrow"] ?? ""}
          multiselect
          aria-label="Severities"
          value={severities.length ? severities.map(capitalize).join(", ") : "All severities"}
          selectedOptions={severities}
          onOptionSelect={(_, data) => setSeverity(data.selectedOptions.join(","))}
        >
          {SEVERITIES.map((name) => (
            <Option key={name} value={name}>
              {capitalize(name)}
            </Option>
          ))}
        </Dropdown>
        <Choice label="Fix" options={FIXES} value={fixed} onChange={setFixed} />
        <Choice label="Grouping" options={GROUPINGS} value={grouping} onChange={setGrouping} />
      </FilterBar>
      <DataTable
        key={grouped ?? "none"}
        label="Findings"
        columns={columns}
        rows={rows}
        rowKey={(row) => (row.kind === "group" ? row.group.key : row.key)}
        loading={isPending}
        minWidth={880}
        sort={grouped ? undefined : { key: "severity", down: false }}
        activeKey={shown ? keyOf(shown) : undefined}
        onOpen={open}
        empty={items.length ? <EmptyState title="No finding matches">Take a filter away to see more.</EmptyState> : <Clean platform={platform} />}
      />
      {shown ? <FindingPanel finding={shown} onClose={() => setShown(null)} /> : null}
    </>
  );
}

function Choice({ label, options, value, onChange }: { label: string; options: Record<string, string>; value: string; onChange: (value: string) => void }) {
  return (
    <Dropdown
      className={styles["narrow"] ?? ""}
      aria-label={label}
      value={options[value] ?? ""}
      selectedOptions={[value]}
      onOptionSelect={(_, data) => onChange(data.optionValue ?? "")}
    >
      {Object.entries(options).map(([key, text]) => (
        <Option key={key} value={key}>
          {text}
        </Option>
      ))}
    </Dropdown>
  );
}

function Clean({ platform }: { platform: Platform | undefined }) {
  const report = platform?.report;
  if (report && !report.complete) {
    return (
      <EmptyState title="Nothing was found, but the report is incomplete">
        {(report.gaps ?? []).join(". ") || "Not everything in the image was judged."}
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No known vulnerability" icon={<ShieldCheckmark48Regular />}>
      The newest report has no finding for this platform.
    </EmptyState>
  );
}

const pathOf = (finding: Finding): string => finding.locations?.[0]?.path ?? "";

const cells: Record<"id" | "severity" | "package" | "version" | "fix" | "path", (finding: Finding) => React.ReactNode> = {
  id: (finding) => <span title={[finding.id, ...(finding.aliases ?? [])].join("\n")}>{finding.id}</span>,
  severity: (finding) => <SeverityMark severity={finding.severity} />,
  package: (finding) => <span title={finding.package}>{finding.name}</span>,
  version: (finding) => <span title={finding.version}>{finding.version}</span>,
  fix: (finding) => (finding.fixedVersion ? <span title={finding.fixedVersion}>{finding.fixedVersion}</span> : <span className={styles["muted"]}>none yet</span>),
  path: (finding) => <Path finding={finding} />,
};

function Path({ finding }: { finding: Finding }) {
  const locations = finding.locations ?? [];
  const more = locations.length > 1 ? ` +${locations.length - 1}` : "";
  return (
    <span className={styles["mono"]} title={locations.map(({ path }) => path).join("\n")}>
      {pathOf(finding)}
      {more}
    </span>
  );
}

const ofFinding = (render: (finding: Finding) => React.ReactNode) => (row: Row) => (row.kind === "finding" ? render(row.finding) : null);
const by = (value: (finding: Finding) => string | number) => (row: Row) => (row.kind === "finding" ? value(row.finding) : "");

const COLUMNS: readonly Column<Row>[] = [
  { key: "id", header: "Vulnerability", width: "minmax(168px, 1.2fr)", sortBy: by((f) => f.id), render: ofFinding(cells.id) },
  { key: "severity", header: "Severity", width: "112px", sortBy: by((f) => severityRank(f.severity)), render: ofFinding(cells.severity) },
  { key: "package", header: "Package", width: "minmax(160px, 1.2fr)", sortBy: by((f) => f.name), render: ofFinding(cells.package) },
  { key: "version", header: "Version", width: "minmax(120px, 0.9fr)", sortBy: by((f) => f.version), render: ofFinding(cells.version) },
  { key: "fix", header: "Fixed in", width: "minmax(136px, 1fr)", sortBy: by((f) => f.fixedVersion ?? ""), render: ofFinding(cells.fix) },
  { key: "path", header: "Evidence path", width: "minmax(176px, 2fr)", sortBy: by(pathOf), render: ofFinding(cells.path) },
];

const GROUPED_COLUMNS: readonly Column<Row>[] = [
  {
    key: "name",
    header: "Group, vulnerability",
    width: "minmax(280px, 2fr)",
    render: (row) =>
      row.kind === "group" ? <Heading row={row} /> : <span className={styles["member"]}>{cells.id(row.finding)}</span>,
  },
  {
    key: "severity",
    header: "Severity",
    width: "minmax(264px, 1.2fr)",
    render: (row) => (row.kind === "group" ? <SeverityCounts counts={row.group.counts} /> : cells.severity(row.finding)),
  },
  { key: "package", header: "Package", width: "minmax(144px, 1fr)", render: ofFinding((f) => `${f.name} ${f.version}`) },
  { key: "fix", header: "Fixed in", width: "minmax(120px, 0.8fr)", render: ofFinding(cells.fix) },
  { key: "path", header: "Evidence path", width: "minmax(160px, 1.4fr)", render: ofFinding(cells.path) },
];

function Heading({ row }: { row: Row & { kind: "group" } }) {
  const Chevron = row.open ? ChevronDown16Regular : ChevronRight16Regular;
  return (
    <span className={styles["group"]} aria-expanded={row.open} role="button" title={row.group.name}>
      <Chevron aria-hidden />
      <span>
        {row.group.name} ({row.group.findings.length})
      </span>
    </span>
  );
}

function countWords(shown: number, all: number): string {
  return shown === all ? plural(all, "finding") : `${shown.toLocaleString("en")} of ${plural(all, "finding")}`;
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}

const lacks = (error: Error): boolean => error instanceof ApiError && error.status === 404;

const isGrouping = (word: string): word is Exclude<Grouping, "none"> => word in GROUPINGS && word !== "none";
