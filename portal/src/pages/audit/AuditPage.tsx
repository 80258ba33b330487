import { Combobox, Dropdown, Option } from "@fluentui/react-components";
import { ArrowClockwise20Regular } from "@fluentui/react-icons";
import { useCallback, useMemo } from "react";

import { CommandBar, DataTable, EmptyState, ErrorState, FilterBar, FilterPill, Page, PageHeader, RelativeTime, TimeSpan, type Column } from "../../components";
import { plural } from "../../lib/format";
import { useParamState } from "../../lib/params";
import { readSpan, spanParams, type Range } from "../../lib/span";
import styles from "./audit.module.css";
import { ChangePanel } from "./ChangePanel";
import { useChanges, type Entry } from "./data";
import { ACTIONS, OBJECTS, ROLES, actionWords, targetName } from "./words";

const DEFAULT_RANGE: Range = "all";

export function Component() {
  const { params, get, set } = useParamState();
  const span = useMemo(() => readSpan(params, DEFAULT_RANGE), [params]);
  const asked = { search: get("search"), actor: get("actor"), action: get("action"), object: get("object"), span };
  const { items, more, hasMore, isPending, error, refetch } = useChanges(asked);
  const shownId = get("entry");
  const onSearch = useCallback((search: string) => set({ search }), [set]);
  const onOpen = useCallback((row: Entry) => set({ entry: row.id }, { push: true }), [set]);
  const filtered = ["search", "actor", "action", "object", "range", "since", "until"].some((name) => get(name));
  return (
    <Page>
      <PageHeader title="Audit log" description="Every change: who made it, when, and what was there before and after." />
      <CommandBar label="Audit log" commands={[{ label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch }]} />
      <FilterBar
        search={asked.search}
        onSearch={onSearch}
        placeholder="Search names, ids and values"
        status={isPending ? "" : `${plural(items.length, "change")}${hasMore ? ", more below" : ""}`}
      >
        <TimeSpan span={span} onPick={(picked) => set(spanParams(picked, DEFAULT_RANGE))} />
        <ActionPicker action={asked.action} onPick={(action) => set({ action })} />
        <ObjectFilter object={asked.object} items={items} onPick={(object) => set({ object })} />
        <Who actor={asked.actor} items={items} onPick={(actor) => set({ actor })} />
      </FilterBar>
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <DataTable
          label="Changes"
          columns={COLUMNS}
          rows={items}
          rowKey={(row) => row.id}
          loading={isPending}
          minWidth={840}
          activeKey={shownId}
          onOpen={onOpen}
          onEnd={more}
          empty={
            <EmptyState title={filtered ? "No change matches" : "Nothing was changed yet"}>
              {filtered ? "Remove a filter, or choose a longer time." : ""}
            </EmptyState>
          }
        />
      )}
      {shownId ? (
        <ChangePanel key={shownId} id={shownId} known={items.find(({ id }) => id === shownId)} onClose={() => set({ entry: "" })} />
      ) : null}
    </Page>
  );
}

const ANY = "any";

interface Choice {
  label: string;
  any: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onPick: (value: string) => void;
}

function Pick({ label, any, value, options, onPick }: Choice) {
  return (
    <Dropdown
      aria-label={label}
      className={styles["pick"] ?? ""}
      value={options.find(([each]) => each === value)?.[1] ?? (value || any)}
      selectedOptions={[value || ANY]}
      onOptionSelect={(_, data) => onPick(data.optionValue === ANY ? "" : (data.optionValue ?? ""))}
    >
      <Option value={ANY}>{any}</Option>
      {options.map(([each, text]) => (
        <Option key={each} value={each}>
          {text}
        </Option>
      ))}
    </Dropdown>
  );
}

function ActionPicker({ action, onPick }: { action: string; onPick: (action: string) => void }) {
  return <Pick label="Action" any="Any action" value={action} options={ACTIONS.map((each) => [each, actionWords(each)])} onPick={onPick} />;
}

/** Kinds are chosen; one object comes from a change of it, or by a link. */
function ObjectFilter({ object, items, onPick }: { object: string; items: readonly Entry[]; onPick: (object: string) => void }) {
  if (object.includes("/")) {
    const entry = items.find(({ target }) => target === object || target.startsWith(`${object}/`));
    const name = entry ? targetName(entry.target, entry.after, entry.before) : object;
    return <FilterPill name="Target" value={name} onRemove={() => onPick("")} />;
  }
  return <Pick label="Kind of target" any="Any target" value={object} options={Object.entries(OBJECTS)} onPick={onPick} />;
}

const MOST_PEOPLE = 20;

function Who({ actor, items, onPick }: { actor: string; items: readonly Entry[]; onPick: (actor: string) => void }) {
  if (actor) return <FilterPill name="Who" value={actor} onRemove={() => onPick("")} />;
  const people = [...new Set(items.map((entry) => entry.actor))].sort().slice(0, MOST_PEOPLE);
  return (
    <Combobox
      freeform
      className={styles["pick"] ?? ""}
      aria-label="Who"
      placeholder="Anybody"
      onOptionSelect={(_, data) => onPick(data.optionText ?? "")}
      onKeyDown={(event) => {
        if (event.key === "Enter") onPick(event.currentTarget.value.trim());
      }}
    >
      {people.map((name) => (
        <Option key={name}>{name}</Option>
      ))}
    </Combobox>
  );
}

const COLUMNS: readonly Column<Entry>[] = [
  { key: "at", header: "When", width: "minmax(112px, 0.7fr)", render: (row) => <RelativeTime time={row.at} /> },
  { key: "actor", header: "Who", width: "minmax(160px, 1.2fr)", render: (row) => <span title={row.actor}>{row.actor}</span> },
  { key: "role", header: "As", width: "minmax(128px, 0.8fr)", render: (row) => ROLES[row.role] ?? row.role },
  { key: "action", header: "What", width: "minmax(176px, 1fr)", render: (row) => <span title={row.action}>{actionWords(row.action)}</span> },
  {
    key: "target",
    header: "Target",
    width: "minmax(208px, 2fr)",
    render: (row) => <span title={row.target}>{targetName(row.target, row.after, row.before)}</span>,
  },
];
