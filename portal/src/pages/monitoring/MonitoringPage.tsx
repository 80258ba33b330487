import { Button, Dropdown, Option, Switch } from "@fluentui/react-components";
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
  type Column,
} from "../../components";
import { exactTime, plural, spaced } from "../../lib/format";
import { useParamState } from "../../lib/params";
import { AddFilter } from "./AddFilter";
import { exportUrl, keyOf, useEvents, type Entry } from "./data";
import { EventPanel } from "./EventPanel";
import { FIELDS, FIELD_NAMES, RANGES, filterWords, readFilters, readRange, type Range } from "./filters";
import styles from "./Monitoring.module.css";
import { worstRow } from "./worst";

export function Component() {
  const { params, get, set } = useParamState();
  const grouped = get("grouped") !== "off";
  const filters = useMemo(() => readFilters(params), [params]);
  const asked = { filters, range: readRange(params), grouped };
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
  const filtered = Object.keys(filters).length > 0;

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
        <RangePicker range={asked.range} onPick={(range) => set({ range: range === "24h" ? "" : range })} />
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
          columns={COLUMNS}
          rows={entries}
          rowKey={keyOf}
          loading={events.isPending}
          minWidth={1100}
          activeKey={opened ? `${get("in")}/${opened}` : undefined}
          onOpen={open}
          onEnd={onEnd}
          empty={
            <EmptyState title={filtered ? "No event matches" : "No events yet"}>
              {filtered
                ? "Remove a filter, or choose a longer time."
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

function RangePicker({ range, onPick }: { range: Range; onPick: (range: Range) => void }) {
  return (
    <Dropdown
      aria-label="Time range"
      className={styles["range"] ?? ""}
      value={RANGES[range].text}
      selectedOptions={[range]}
      onOptionSelect={(_, data) => onPick((data.optionValue ?? "24h") as Range)}
    >
      {(Object.keys(RANGES) as Range[]).map((name) => (
        <Option key={name} value={name}>
          {RANGES[name].text}
        </Option>
      ))}
    </Dropdown>
  );
}

const text = (value: string | undefined) => (value ? <span title={value}>{value}</span> : <span className={styles["none"]}>–</span>);

const COLUMNS: readonly Column<Entry>[] = [
  {
    key: "time",
    header: "Timestamp",
    width: "168px",
    render: ({ lastAt }) => <time dateTime={lastAt}>{exactTime(new Date(lastAt))}</time>,
  },
  { key: "action", header: "Action", width: "96px", render: ({ event }) => <ActionBadge action={event.action} /> },
  { key: "kind", header: "Resource type", width: "128px", render: ({ event }) => text(event.kind) },
  {
    key: "name",
    header: "Resource name",
    width: "minmax(140px, 1.6fr)",
    render: ({ event, count }) => (
      <span className={styles["name"]}>
        <span title={event.name}>{event.name}</span>
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
    ),
  },
  { key: "namespace", header: "Namespace", width: "minmax(96px, 0.8fr)", render: ({ event }) => text(event.namespace) },
  { key: "cluster", header: "Cluster", width: "minmax(72px, 0.7fr)", render: ({ event }) => text(event.cluster) },
  {
    key: "violation",
    header: "Violation",
    width: "minmax(150px, 2fr)",
    render: ({ event }) => text(worstRow(event)?.violation),
  },
  { key: "rule", header: "Rule name", width: "minmax(120px, 1.4fr)", render: ({ event }) => text(worstRow(event)?.rule) },
  {
    key: "reason",
    header: "Reason",
    width: "144px",
    render: ({ event }) => text(spaced(worstRow(event)?.reason ?? "")),
  },
];
