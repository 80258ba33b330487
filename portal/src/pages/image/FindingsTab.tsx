import { Dropdown, MessageBar, MessageBarBody, MessageBarTitle, Option } from "@fluentui/react-components";
import { BranchCompare16Regular, ChevronDown16Regular, ChevronRight16Regular, ShieldCheckmark48Regular } from "@fluentui/react-icons";
import { useMemo, useState } from "react";
import { Link } from "react-router";

import { ApiError } from "../../api/client";
import { DataTable, EmptyState, ErrorState, FilterBar, SeverityCounts, StatusBadge, type Column } from "../../components";
import { SEVERITIES, SeverityMark } from "../../components/SeverityCounts";
import { capitalize, plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { useIsWide } from "../../lib/width";
import { useFindings, type Finding, type ImageDetail, type Platform, type Subject } from "./data";
import { FindingPanel } from "./FindingPanel";
import { filterFindings, groupFindings, keyOf, rowsOf, severityRank, stateOf, type Grouping, type Row, type State } from "./findings";
import styles from "./image.module.css";
import { NothingYet } from "./NothingYet";
import { disagreementWords } from "./ratings";

const GROUPINGS: Record<Grouping, string> = { none: "No grouping", package: "By package", fix: "By fix", path: "By evidence path" };
const STATES: Record<string, string> = { "": "All states", open: "Open", exempted: "Exempted", cleared: "Not affected" };
const WIDE_PX = 1120;
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
  const [state, setState] = useParam("state");
  const [grouping, setGrouping] = useParam("group", "none");
  const wide = useIsWide(WIDE_PX);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<Finding | null>(null);
  const severities = useMemo(() => severity.split(",").filter(Boolean), [severity]);
  const matching = useMemo(() => filterFindings(items, { search, severities, fixed, state }), [items, search, severities, fixed, state]);
  const grouped = isGrouping(grouping) ? grouping : null;
  const rows = useMemo(
    () =>
      grouped
        ? rowsOf(groupFindings(matching, grouped), opened)
        : matching.map((finding): Row => ({ kind: "finding", finding, key: keyOf(finding) })),
    [matching, grouped, opened],
  );
  const columns = useMemo(() => (grouped ? GROUPED_COLUMNS : COLUMNS).filter(({ only }) => !only || (only === "wide") === wide), [grouped, wide]);
  const open = (row: Row) => {
    if (row.kind === "finding") setShown(row.finding);
    else setOpened(toggled(opened, row.group.key));
  };
  if (error) return lacks(error) ? <NothingYet image={image} what="finding" /> : <ErrorState error={error} onRetry={refetch} />;
  return (
    <>
      <Incomplete platform={platform} />
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
        <Choice label="State" options={STATES} value={state} onChange={setState} />
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
        minWidth={wide ? 1080 : 690}
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

/** What the list lacks stands above it: an incomplete report never looks like a clean one. */
function Incomplete({ platform }: { platform: Platform | undefined }) {
  const report = platform?.report;
  if (!platform || !report || report.complete) return null;
  const [first = "not everything in the image was judged", ...others] = report.gaps ?? [];
  return (
    <MessageBar intent="warning" className={styles["notice"] ?? ""}>
      <MessageBarBody>
        <MessageBarTitle>The report is incomplete</MessageBarTitle>
        {capitalize(first)}
        {others.length ? `, and ${plural(others.length, "more gap")}` : ""}. <Link to={`?tab=report&platform=${platform.digest}`}>See what was judged</Link>
      </MessageBarBody>
    </MessageBar>
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

const cells: Record<"id" | "severity" | "package" | "both" | "version" | "state" | "fix" | "path", (finding: Finding) => React.ReactNode> = {
  id: (finding) => <span title={[finding.id, ...(finding.aliases ?? [])].join("\n")}>{finding.id}</span>,
  severity: (finding) => <Severity finding={finding} />,
  package: (finding) => <span title={finding.package}>{finding.name}</span>,
  both: (finding) => <span title={finding.package}>{`${finding.name} ${finding.version}`}</span>,
  state: (finding) => <StateMark finding={finding} />,
  version: (finding) => <span title={finding.version}>{finding.version}</span>,
  fix: (finding) => (finding.fixedVersion ? <span title={finding.fixedVersion}>{finding.fixedVersion}</span> : <span className={styles["muted"]}>none yet</span>),
  path: (finding) => <Path finding={finding} />,
};

/** The severity that counts, and a mark where others say something else. */
function Severity({ finding }: { finding: Finding }) {
  const told = disagreementWords(finding);
  return (
    <span className={styles["severity"]}>
      <SeverityMark severity={finding.severity} />
      {told ? (
        <span role="img" aria-label={told} title={told} className={styles["differs"]}>
          <BranchCompare16Regular aria-hidden />
        </span>
      ) : null}
    </span>
  );
}

const STATE_RANK: Record<State, number> = { open: 0, exempted: 1, cleared: 2 };

function StateMark({ finding }: { finding: Finding }) {
  const state = stateOf(finding);
  if (state === "open") return <span className={styles["muted"]}>Open</span>;
  if (state === "cleared") {
    const [mark] = finding.notAffected ?? [];
    return (
      <StatusBadge tone="good" title={`${mark?.justification ?? ""}, says ${mark?.author ?? ""}`}>
        {mark?.status === "fixed" ? "Fixed" : "Not affected"}
      </StatusBadge>
    );
  }
  const rules = (finding.exempted ?? []).map(({ rule }) => rule).join(", ");
  return (
    <StatusBadge tone="info" title={`Where this rule decides: ${rules}`}>
      Exempted
    </StatusBadge>
  );
}

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

/** A column for all widths, or one of them. */
type FittingColumn = Column<Row> & { only?: "wide" | "narrow" };

const COLUMNS: readonly FittingColumn[] = [
  { key: "id", header: "Vulnerability", width: "minmax(168px, 1.2fr)", sortBy: by((f) => f.id), render: ofFinding(cells.id) },
  { key: "severity", header: "Severity", width: "124px", sortBy: by((f) => severityRank(f.severity)), render: ofFinding(cells.severity) },
  { key: "state", header: "State", width: "minmax(128px, 0.8fr)", sortBy: by((f) => STATE_RANK[stateOf(f)]), render: ofFinding(cells.state) },
  { key: "both", header: "Package", width: "minmax(144px, 1.2fr)", only: "narrow", sortBy: by((f) => f.name), render: ofFinding(cells.both) },
  { key: "package", header: "Package", width: "minmax(160px, 1.2fr)", only: "wide", sortBy: by((f) => f.name), render: ofFinding(cells.package) },
  { key: "version", header: "Version", width: "minmax(120px, 0.9fr)", only: "wide", sortBy: by((f) => f.version), render: ofFinding(cells.version) },
  { key: "fix", header: "Fixed in", width: "minmax(120px, 1fr)", sortBy: by((f) => f.fixedVersion ?? ""), render: ofFinding(cells.fix) },
  { key: "path", header: "Evidence path", width: "minmax(176px, 2fr)", only: "wide", sortBy: by(pathOf), render: ofFinding(cells.path) },
];

const GROUPED_COLUMNS: readonly FittingColumn[] = [
  {
    key: "name",
    header: "Group, vulnerability",
    width: "minmax(248px, 2fr)",
    render: (row) =>
      row.kind === "group" ? <Heading row={row} /> : <span className={styles["member"]}>{cells.id(row.finding)}</span>,
  },
  {
    key: "severity",
    header: "Severity",
    width: "minmax(264px, 1.2fr)",
    render: (row) => (row.kind === "group" ? <SeverityCounts counts={row.group.counts} /> : cells.severity(row.finding)),
  },
  { key: "state", header: "State", width: "minmax(128px, 0.8fr)", render: ofFinding(cells.state) },
  { key: "package", header: "Package", width: "minmax(144px, 1fr)", only: "wide", render: ofFinding(cells.both) },
  { key: "fix", header: "Fixed in", width: "minmax(112px, 0.8fr)", only: "wide", render: ofFinding(cells.fix) },
  { key: "path", header: "Evidence path", width: "minmax(160px, 1.4fr)", only: "wide", render: ofFinding(cells.path) },
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
