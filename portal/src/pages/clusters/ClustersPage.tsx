import { Button, MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Add20Regular, ArrowClockwise20Regular, ServerRegular } from "@fluentui/react-icons";
import { useMemo } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { useMayWrite } from "../../api/session";
import {
  CommandBar,
  ConfirmDialog,
  DataTable,
  EmptyState,
  ErrorState,
  FilterBar,
  Page,
  PageHeader,
  RelativeTime,
  StatusBadge,
  type Column,
} from "../../components";
import { plural } from "../../lib/format";
import { useNow } from "../../lib/now";
import { useParam } from "../../lib/params";
import { ClusterPanel } from "./ClusterPanel";
import styles from "./clusters.module.css";
import { useClusterList, type Cluster } from "./data";
import { EnrolDialog } from "./EnrolDialog";
import { healthOf, labelWords, PROVIDERS } from "./health";

/** Cannot be a cluster's name: those begin with a letter or digit. */
const ENROL = "-enrol";

export function Component() {
  const { items, isPending, error, refetch } = useClusterList();
  const [search, setSearch] = useParam("search");
  const { panel } = useParams();
  const navigate = useNavigate();
  const now = useNow();
  const mayWrite = useMayWrite();
  const columns = useMemo(() => columnsOf(now), [now]);
  const shown = useMemo(() => items.filter((cluster) => mentions(cluster, search)), [items, search]);
  const open = (where: string) => void navigate({ pathname: where ? `/clusters/${encodeURIComponent(where)}` : "/clusters", search: location.search });
  const ungated = items.filter((cluster) => cluster.gating === "Off");
  const chosen = items.find((cluster) => cluster.name === panel);
  return (
    <Page>
      <PageHeader title="Clusters" description="Where rules are in force. What a cluster is was fixed by who enrolled it." />
      <CommandBar
        label="Clusters"
        commands={[
          { label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch },
          ...(mayWrite ? [{ label: "Enrol a cluster", icon: <Add20Regular />, onClick: () => open(ENROL) }] : []),
        ]}
      />
      {ungated.length ? <Ungated names={ungated.map(({ name }) => name)} /> : null}
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by name, account or label"
        status={isPending ? "" : plural(shown.length, "cluster")}
      />
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <DataTable
          label="Clusters"
          columns={columns}
          rows={shown}
          rowKey={(row) => row.name}
          loading={isPending}
          minWidth={920}
          activeKey={panel}
          onOpen={(row) => open(row.name)}
          empty={items.length ? <EmptyState title="No cluster matches">Nothing contains “{search}”.</EmptyState> : <None onEnrol={mayWrite ? () => open(ENROL) : undefined} />}
        />
      )}
      {panel === ENROL && mayWrite ? <EnrolDialog taken={items.map(({ name }) => name)} onClose={() => open("")} /> : null}
      {chosen ? <ClusterPanel key={chosen.name} cluster={chosen} onClose={() => open("")} /> : null}
      {panel && panel !== ENROL && !chosen && !isPending && !error ? (
        <ConfirmDialog title="There is no such cluster" confirm="Show all clusters" onConfirm={() => open("")} onCancel={() => open("")}>
          It may have been deleted since the link was made.
        </ConfirmDialog>
      ) : null}
    </Page>
  );
}

function Ungated({ names }: { names: readonly string[] }) {
  return (
    <div className={styles["bars"]}>
      <MessageBar intent="error">
        <MessageBarBody>
          <MessageBarTitle>Security gating is off in {names.join(", ")}</MessageBarTitle>
          Everything is admitted there, and recorded as such.
        </MessageBarBody>
      </MessageBar>
    </div>
  );
}

function None({ onEnrol }: { onEnrol: (() => void) | undefined }) {
  return (
    <EmptyState
      title="No cluster is enrolled"
      icon={<ServerRegular fontSize={48} />}
      action={
        onEnrol ? (
          <Button appearance="primary" onClick={onEnrol}>
            Enrol a cluster
          </Button>
        ) : null
      }
    >
      Rules take effect in the clusters whose agents call this hub.
    </EmptyState>
  );
}

function mentions({ name, account, provider, labels }: Cluster, search: string): boolean {
  return [name, account, PROVIDERS[provider], ...labelWords(labels)].join("\n").toLowerCase().includes(search.trim().toLowerCase());
}

function columnsOf(now: Date): readonly Column<Cluster>[] {
  return [
    {
      key: "name",
      header: "Cluster",
      width: "minmax(136px, 2fr)",
      sortBy: (row) => row.name,
      render: (row) => (
        <Link className={styles["link"]} to={`/clusters/${encodeURIComponent(row.name)}`} onClick={(event) => event.stopPropagation()}>
          {row.name}
        </Link>
      ),
    },
    {
      key: "health",
      header: "State",
      width: "minmax(160px, 1.4fr)",
      sortBy: (row) => healthOf(row, now).text,
      render: (row) => {
        const { tone, text, why } = healthOf(row, now);
        return (
          <StatusBadge tone={tone} title={why}>
            {text}
          </StatusBadge>
        );
      },
    },
    { key: "gating", header: "Gating", width: "72px", sortBy: (row) => row.gating ?? "On", render: (row) => row.gating ?? "On" },
    { key: "provider", header: "Provider", width: "minmax(104px, 1fr)", sortBy: (row) => row.provider, render: (row) => PROVIDERS[row.provider] },
    { key: "account", header: "Account", width: "minmax(88px, 1fr)", sortBy: (row) => row.account, render: (row) => row.account || <span className={styles["muted"]}>none</span> },
    {
      key: "labels",
      header: "Labels",
      width: "minmax(88px, 1.4fr)",
      render: (row) => {
        const words = labelWords(row.labels);
        return words.length ? <span title={words.join("\n")}>{words.join(", ")}</span> : <span className={styles["muted"]}>none</span>;
      },
    },
    { key: "version", header: "Agent", width: "72px", sortBy: (row) => row.agentVersion ?? "", render: (row) => row.agentVersion || "–" },
    {
      key: "fed",
      header: "Findings fed",
      width: "minmax(112px, 1fr)",
      sortBy: (row) => row.feedAt ?? "",
      render: (row) => <RelativeTime time={row.feedAt || undefined} />,
    },
    { key: "seen", header: "Heard of", width: "minmax(88px, 0.9fr)", sortBy: (row) => row.lastSeenAt ?? "", render: (row) => <RelativeTime time={row.lastSeenAt || undefined} /> },
  ];
}
