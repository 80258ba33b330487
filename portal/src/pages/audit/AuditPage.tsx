import { ArrowClockwise20Regular } from "@fluentui/react-icons";
import { useMemo } from "react";

import { body, client, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { CommandBar, DataTable, EmptyState, ErrorState, FilterBar, Page, PageHeader, RelativeTime, type Column } from "../../components";
import { plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { ChangePanel } from "./ChangePanel";
import { actionWords, targetName } from "./diff";

export type Entry = Schemas["AuditEntryV1"];

const PAGE = 100;
const REFRESH_MS = 30_000;

export function Component() {
  const [search, setSearch] = useParam("search");
  const [shownId, setShownId] = useParam("entry");
  const { items, more, hasMore, isPending, error, refetch } = usePages<Entry>({
    key: ["audit"],
    load: (cursor) => body(client.GET("/api/v1/audit", { params: { query: { limit: PAGE, cursor } } })),
    // What is searched is searched as a whole, not only where somebody scrolled to.
    whole: search !== "",
    refetchInterval: REFRESH_MS,
  });
  const shown = useMemo(() => items.filter((entry) => mentions(entry, search)), [items, search]);
  const entry = items.find(({ id }) => id === shownId);
  return (
    <Page>
      <PageHeader title="Audit log" description="Every change: who made it, when, and what was there before and after." />
      <CommandBar label="Audit log" commands={[{ label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch }]} />
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by who, what or target"
        status={isPending ? "" : `${plural(shown.length, "change")}${hasMore ? (search ? " so far, searching" : ", more below") : ""}`}
      />
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <DataTable
          label="Changes"
          columns={COLUMNS}
          rows={shown}
          rowKey={(row) => row.id}
          loading={isPending}
          minWidth={840}
          activeKey={shownId}
          onOpen={(row) => setShownId(row.id)}
          onEnd={more}
          empty={<EmptyState title={search ? "No change matches" : "Nothing was changed yet"}>{search ? `Nothing mentions “${search}”.` : ""}</EmptyState>}
        />
      )}
      {entry ? <ChangePanel entry={entry} onClose={() => setShownId("")} /> : null}
    </Page>
  );
}

function mentions(entry: Entry, search: string): boolean {
  const text = [entry.actor, entry.role, entry.action, actionWords(entry.action), entry.target, targetName(entry.target, entry.after, entry.before)];
  return text.join("\n").toLowerCase().includes(search.trim().toLowerCase());
}

export const ROLES: Record<string, string> = {
  admin: "Security Admin",
  reader: "Security Reader",
  scanner: "Scan worker",
  registry: "Registry",
  cluster: "Cluster agent",
  system: "The hub itself",
};

const COLUMNS: readonly Column<Entry>[] = [
  { key: "at", header: "When", width: "minmax(112px, 0.7fr)", render: (row) => <RelativeTime time={row.at} /> },
  { key: "actor", header: "Who", width: "minmax(160px, 1.2fr)", render: (row) => <span title={row.actor}>{row.actor}</span> },
  { key: "role", header: "As", width: "minmax(128px, 0.8fr)", render: (row) => ROLES[row.role] ?? row.role },
  { key: "action", header: "What", width: "minmax(160px, 1fr)", render: (row) => <span title={row.action}>{actionWords(row.action)}</span> },
  {
    key: "target",
    header: "Target",
    width: "minmax(208px, 2fr)",
    render: (row) => <span title={row.target}>{targetName(row.target, row.after, row.before)}</span>,
  },
];
