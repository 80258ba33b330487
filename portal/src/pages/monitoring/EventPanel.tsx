import { Link as FluentLink, MessageBar, MessageBarBody, Spinner, Tab, TabList } from "@fluentui/react-components";
import { useState } from "react";
import { Link } from "react-router";

import {
  ActionBadge,
  DataTable,
  DetailPanel,
  Digest,
  ErrorState,
  Essentials,
  Section,
  type Column,
} from "../../components";
import { SEVERITIES, SeverityMark } from "../../components/SeverityCounts";
import { exactTime, formatCount, plural, spaced } from "../../lib/format";
import { imagePath, splitImage } from "../../lib/image";
import type { Schemas } from "../../api/client";
import { useRules } from "../rules/data";
import { useEvent, type AdmissionEvent, type Entry, type ImageRow } from "./data";
import styles from "./Monitoring.module.css";
import { RuleSnapshot } from "./RuleSnapshot";
import { worstRow } from "./worst";

interface Props {
  id: string;
  cluster: string;
  entry: Entry | undefined;
  onClose: () => void;
}

export function EventPanel({ id, cluster, entry, onClose }: Props) {
  const { data: event, error, refetch } = useEvent(id, cluster, entry?.event);
  return (
    <DetailPanel
      title={event?.name ?? "Admission event"}
      subtitle={event ? `${event.kind}${event.topOwner ? `, owned by ${event.topOwner}` : ""}` : undefined}
      modal={false}
      onClose={onClose}
    >
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {event ? <EventDetails event={event} entry={entry} /> : error ? null : <Spinner label="Loading" />}
    </DetailPanel>
  );
}

function EventDetails({ event, entry }: { event: AdmissionEvent; entry: Entry | undefined }) {
  const [place, setPlace] = useState(() => event.images.findIndex((row) => row === worstRow(event)));
  const row = event.images[place] ?? event.images[0];
  return (
    <>
      <dl className={styles["facts"]}>
        <Fact name="Timestamp" value={exactTime(new Date(event.time))} />
        <Fact name="Admission action" value={<ActionBadge action={event.action} />} />
        <Fact name="Namespace" value={event.namespace || "none"} />
        <Fact name="Cluster" value={event.cluster || "none"} />
      </dl>
      {entry && entry.count > 1 ? (
        <MessageBar>
          <MessageBarBody>
            {plural(entry.count, "like decision")} since {exactTime(new Date(entry.firstAt))}; this is the latest.
          </MessageBarBody>
        </MessageBar>
      ) : null}
      <Section title="Trigger details">
        <Triggers event={event} place={place} onPick={setPlace} />
        {row?.message ? <p className={styles["message"]}>{row.message}</p> : null}
      </Section>
      <Section title="Request">
        <Essentials
          columns={1}
          facts={[
            { name: "User", value: event.user || "unknown" },
            { name: "Operation", value: [event.operation, event.subresource].filter(Boolean).join(" ") || "unknown" },
            { name: "Asked by", value: ASKED_BY[event.origin ?? "api-server"] },
            { name: "Event id", value: <Digest digest={event.id} /> },
            {
              name: "Decided in",
              value: event.durationUs ? `${(event.durationUs / 1000).toFixed(1)} ms` : "not measured",
            },
          ]}
        />
      </Section>
      {row ? <ImageDetails row={row} /> : null}
    </>
  );
}

function Fact({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div>
      <dd>{value}</dd>
      <dt>{name}</dt>
    </div>
  );
}

interface TriggersProps {
  event: AdmissionEvent;
  place: number;
  onPick: (place: number) => void;
}

/** A line per image; choosing one shows its rule and findings below. */
function Triggers({ event, place, onPick }: TriggersProps) {
  const { rules } = useRules();
  const several = event.images.length > 1;
  return (
    <table className={styles["triggers"]}>
      <thead>
        <tr>
          {several ? <th className={styles["pick"]} aria-label="Shown" /> : null}
          <th>Image</th>
          <th>Violation</th>
          <th>Rule name</th>
          <th>Reason</th>
        </tr>
      </thead>
      <tbody>
        {event.images.map((row, index) => {
          const rule = rules.find((record) => record.rule.name === row.rule);
          return (
            <tr key={`${row.fieldPath} ${row.platform ?? ""}`}>
              {several ? (
                <td className={styles["pick"]}>
                  <input
                    type="radio"
                    name="image"
                    aria-label={`Show ${row.image}`}
                    checked={index === place}
                    onChange={() => onPick(index)}
                  />
                </td>
              ) : null}
              <td>
                <ImageLink row={row} />
              </td>
              <td>{row.violation || "None"}</td>
              <td>{rule ? <Link to={`/rules/${rule.id}`}>{row.rule}</Link> : row.rule || "None"}</td>
              <td>{spaced(row.reason)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function ImageLink({ row }: { row: ImageRow }) {
  const { registry, repository } = splitImage(row.image);
  return (
    <span className={styles["image"]}>
      {row.digest ? (
        <Link to={imagePath(registry, repository, row.digest)} title={row.image}>
          {row.image}
        </Link>
      ) : (
        <span title={row.image}>{row.image}</span>
      )}
      {row.digest ? <Digest digest={row.digest} /> : null}
    </span>
  );
}

function ImageDetails({ row }: { row: ImageRow }) {
  return (
    <>
      <Section title="Policy description">
        <h4 className={styles["small"]}>Vulnerability assessment</h4>
        <p className={styles["paragraph"]}>
          The vulnerabilities that were found in a container image are judged by severity thresholds and lists of
          vulnerabilities. An image that exceeds them, or about which nothing is known where that matters, violates the
          rule.
        </p>
        {row.ruleConfiguration?.description ? (
          <p className={styles["paragraph"]}>{row.ruleConfiguration.description}</p>
        ) : null}
      </Section>
      {row.ruleConfiguration ? (
        <Section title="Rule configuration snapshot">
          <RuleSnapshot rule={row.ruleConfiguration} />
        </Section>
      ) : null}
      <Section title="Findings">
        {row.evidenceAt ? (
          <p className={styles["paragraph"]}>
            Judged by what the {row.evidenceSource} held at {exactTime(new Date(row.evidenceAt))}.
          </p>
        ) : null}
        <Findings row={row} />
      </Section>
      {row.unverifiable?.length ? (
        <Section title="Files that did not verify">
          <ul className={styles["list"]}>
            {row.unverifiable.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </Section>
      ) : null}
      {row.resourceExemptions?.length ? (
        <Section title="Rules that did not apply">
          <ul className={styles["list"]}>
            {row.resourceExemptions.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </Section>
      ) : null}
    </>
  );
}

type Finding = Schemas["FindingV1"];

function Findings({ row }: { row: ImageRow }) {
  const [shown, setShown] = useState<"counted" | "exempted">("counted");
  const counts = row.counts ?? {};
  const total = SEVERITIES.reduce((sum, severity) => sum + (counts[severity] ?? 0), 0);
  const exempted = (row.exempted?.length ?? 0) + (row.exemptedOmitted ?? 0);
  const counted = shown === "counted";
  const omitted = (counted ? row.findingsOmitted : row.exemptedOmitted) ?? 0;
  return (
    <>
      <TabList
        size="small"
        selectedValue={shown}
        onTabSelect={(_, data) => setShown(data.value === "exempted" ? "exempted" : "counted")}
      >
        <Tab value="counted">Counted ({formatCount(total)})</Tab>
        <Tab value="exempted">Exempted ({formatCount(exempted)})</Tab>
      </TabList>
      <DataTable
        label={counted ? "Findings that counted" : "Findings that were exempted"}
        columns={counted ? FINDING_COLUMNS : EXEMPTED_COLUMNS}
        rows={(counted ? row.findings : row.exempted) ?? []}
        rowKey={(finding) => `${finding.id} ${finding.package} ${finding.version}`}
        minWidth={560}
        maxHeight={360}
        empty={<p className={styles["none"]}>{counted ? "No finding counted." : "No finding was exempted."}</p>}
      />
      {omitted ? <p className={styles["none"]}>{formatCount(omitted)} more are not kept with the event.</p> : null}
    </>
  );
}

const rank = ({ severity }: Finding) => SEVERITIES.findIndex((name) => name === severity.toLowerCase());

const COMMON: readonly Column<Finding>[] = [
  {
    key: "id",
    header: "Vulnerability",
    width: "152px",
    sortBy: (finding) => finding.id,
    render: (finding) => (
      <FluentLink href={advisoryUrl(finding.id)} target="_blank" rel="noreferrer">
        {finding.id}
      </FluentLink>
    ),
  },
  {
    key: "severity",
    header: "Severity",
    width: "104px",
    sortBy: rank,
    render: (finding) => <SeverityMark severity={finding.severity} />,
  },
  {
    key: "package",
    header: "Package",
    width: "minmax(140px, 1fr)",
    sortBy: (finding) => finding.name,
    render: (finding) => <span title={finding.package}>{`${finding.name} ${finding.version}`}</span>,
  },
];

const FINDING_COLUMNS: readonly Column<Finding>[] = [
  ...COMMON,
  {
    key: "fixed",
    header: "Fixed in",
    width: "120px",
    render: (finding) => finding.fixedVersion || <span className={styles["none"]}>no fix</span>,
  },
];

const EXEMPTED_COLUMNS: readonly Column<Finding>[] = [
  ...COMMON,
  {
    key: "by",
    header: "Exempted by",
    width: "minmax(160px, 1fr)",
    render: (finding) => <span title={finding.exemptedBy?.join("\n")}>{finding.exemptedBy?.join(", ")}</span>,
  },
];

const ASKED_BY: Record<NonNullable<AdmissionEvent["origin"]>, string> = {
  "api-server": "API server",
  direct: "Tidegate itself, not an API server",
  rejudged: "Tidegate: judged again while it runs; nothing was refused",
};

const advisoryUrl = (id: string) => `https://osv.dev/vulnerability/${encodeURIComponent(id)}`;
