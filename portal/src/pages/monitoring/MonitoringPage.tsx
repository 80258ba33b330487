import { Button, Switch } from "@fluentui/react-components";
import { ArrowClockwise20Regular, ArrowDownload20Regular, ArrowUp16Regular } from "@fluentui/react-icons";
import { useCallback, useMemo } from "react";

import {
  ActionBadge,
  CommandBar,
  DataTable,
  EmptyState,
  ErrorState,
  FilterBar,
  FilterPill,
  Page,
  PageHeader,
  TimeSpan,
  type Column,
} from "../../components";
import { exactTime, plural, spaced } from "../../lib/format";
import { useParamState } from "../../lib/params";
import { readSpan, spanParams } from "../../lib/span";
import { useIsWide } from "../../lib/width";
import { AddFilter } from "./AddFilter";
import { exportUrl, keyOf, useEvents, type Entry } from "./data";
import { EventPanel } from "./EventPanel";
import { DEFAULT_RANGE, FIELDS, FIELD_NAMES, filterWords, readFilters } from "./filters";
import styles from "./Monitoring.module.css";
import { worstRow } from "./worst";

export function Component() {
  const { params, get, set } = useParamState();
  const grouped = get("grouped") !== "off";
  const filters = useMemo(() => readFilters(params), [params]);
  const span = useMemo(() => readSpan(params, DEFAULT_RANGE), [params]);
  const asked = { filters, span, grouped };
  const events = useEvents(asked);
  const { entries, fetchNextPage, hasNextPage, isFetchingNextPage } = events;

  const opened = get("event");
  const open = useCallback(
    ({ event }: Entry) => set({ event: event.id, in: event.cluster ?? "" }, { push: true }),
    [set],
  );
  const close = () => set({ event: "", in: "" });
  const onSearch = useCallback((search: string) => set({ search }), [set]);
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const download = (format: "csv" | "jsonl") => location.assign(exportUrl(asked, format));
  const filtered = Object.keys(filters).length > 0 || !("range" in span);
  const wide = useIsWide(WIDE_PX + MARGINS_PX);

  return (
    <Page>
      <PageHeader
        title="Security rules"
        section="Admission Monitoring"
        description="Every decision of the gates, as it is made."
        actions={<Live connected={events.live.connected} />}
      />
      <CommandBar
        label="Events"
        commands={[
          { label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: () => void events.refetch() },
          { label: "Export CSV", icon: <ArrowDownload20Regular />, onClick: () => download("csv"), apart: true },
          { label: "Export JSON lines", icon: <ArrowDownload20Regular />, onClick: () => download("jsonl") },
        ]}
      />
      <FilterBar
        search={filters.search ?? ""}
        onSearch={onSearch}
        placeholder="Search events"
        status={events.isPending ? "" : `${plural(entries.length, grouped ? "row" : "event")}${hasNextPage ? " loaded" : ""}`}
      >
        <TimeSpan span={span} onPick={(picked) => set(spanParams(picked, DEFAULT_RANGE))} />
        {FIELD_NAMES.map((name) =>
          filters[name] ? (
            <FilterPill
              key={name}
              name={FIELDS[name]}
              value={filterWords(name, filters[name])}
              onRemove={() => set({ [name]: "" })}
            />
          ) : null,
        )}
        <AddFilter entries={entries} taken={filters} onAdd={(name, value) => set({ [name]: value })} />
        <Switch
          label="Group retries"
          checked={grouped}
          onChange={(_, data) => set({ grouped: data.checked ? "" : "off" })}
        />
      </FilterBar>
      {events.live.waiting ? (
        <Button className={styles["waiting"] ?? ""} shape="circular" icon={<ArrowUp16Regular />} onClick={events.live.show}>
          Show {plural(events.live.waiting, "new event")}
        </Button>
      ) : null}
      {events.error ? (
        <ErrorState error={events.error} onRetry={() => void events.refetch()} />
      ) : (
        <DataTable
          label="Admission events"
          columns={wide ? COLUMNS : NARROW_COLUMNS}
          rows={entries}
          rowKey={keyOf}
          loading={events.isPending}
          minWidth={wide ? WIDE_PX : NARROW_PX}
          activeKey={opened ? `${get("in")}/${opened}` : undefined}
          onOpen={open}
          onEnd={onEnd}
          more={hasNextPage}
          empty={
            <EmptyState title={filtered ? "No event matches" : "No events yet"}>
              {filtered
                ? "Remove a filter, or choose another time."
                : "Denied, audited and allowed workloads appear here within a second of the decision."}
            </EmptyState>
          }
        />
      )}
      {opened ? (
        <EventPanel
          key={`${get("in")}/${opened}`}
          id={opened}
          cluster={get("in")}
          entry={entries.find((entry) => keyOf(entry) === `${get("in")}/${opened}`)}
          onClose={close}
        />
      ) : null}
    </Page>
  );
}

function Live({ connected }: { connected: boolean }) {
  return (
    <span className={styles["live"]} role="status">
      <span className={`${styles["pulse"]} ${connected ? styles["on"] : ""}`} aria-hidden />
      {connected ? "Live" : "Connecting"}
    </span>
  );
}

const text = (value: string | undefined) => (value ? <span title={value}>{value}</span> : <span className={styles["none"]}>–</span>);

/** Below this the columns are fewer: what they leave out stands in the panel of an event. */
const WIDE_PX = 1120;
const NARROW_PX = 732;
/** Of the page, beside the table. */
const MARGINS_PX = 48;

const TIME: Column<Entry> = {
  key: "time",
  header: "Timestamp",
  width: "164px",
  render: ({ lastAt }) => <time dateTime={lastAt}>{exactTime(new Date(lastAt))}</time>,
};

const ACTION: Column<Entry> = { key: "action", header: "Action", width: "88px", render: ({ event }) => <ActionBadge action={event.action} /> };

const VIOLATION: Column<Entry> = {
  key: "violation",
  header: "Violation",
  width: "minmax(212px, 2fr)",
  render: ({ event }) => text(worstRow(event)?.violation),
};

const RULE: Column<Entry> = { key: "rule", header: "Rule name", width: "minmax(108px, 1.2fr)", render: ({ event }) => text(worstRow(event)?.rule) };

function Name({ entry: { event, count }, name }: { entry: Entry; name: string }) {
  return (
    <span className={styles["name"]}>
      <span title={name}>{event.name}</span>
      {count > 1 ? (
        <span className={styles["count"]} title={`${count} times within an hour`}>
          ×{count}
        </span>
      ) : null}
      {event.origin === "rejudged" ? (
        <span className={styles["count"]} title="Judged again while it runs; nothing was refused">
          running
        </span>
      ) : null}
    </span>
  );
}

const COLUMNS: readonly Column<Entry>[] = [
  TIME,
  ACTION,
  { key: "kind", header: "Resource type", width: "116px", render: ({ event }) => text(event.kind) },
  {
    key: "name",
    header: "Resource name",
    width: "minmax(120px, 1.6fr)",
    render: (entry) => <Name entry={entry} name={entry.event.name} />,
  },
  { key: "namespace", header: "Namespace", width: "minmax(100px, 0.8fr)", render: ({ event }) => text(event.namespace) },
  { key: "cluster", header: "Cluster", width: "minmax(72px, 0.7fr)", render: ({ event }) => text(event.cluster) },
  VIOLATION,
  RULE,
  {
    key: "reason",
    header: "Reason",
    width: "132px",
    render: ({ event }) => text(spaced(worstRow(event)?.reason ?? "")),
  },
];

const NARROW_COLUMNS: readonly Column<Entry>[] = [
  TIME,
  ACTION,
  {
    key: "name",
    header: "Resource",
    width: "minmax(112px, 1.6fr)",
    render: (entry) => <Name entry={entry} name={`${entry.event.kind} ${entry.event.name}, namespace ${entry.event.namespace || "–"}`} />,
  },
  { key: "cluster", header: "Cluster", width: "minmax(72px, 0.7fr)", render: ({ event }) => text(event.cluster) },
  VIOLATION,
  { ...RULE, width: "minmax(84px, 1.2fr)" },
];
