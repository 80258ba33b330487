import { ArrowClockwise20Regular, Box48Regular } from "@fluentui/react-icons";
import { useMemo } from "react";
import { Link, useNavigate } from "react-router";

import { CommandBar, DataTable, EmptyState, ErrorState, FilterBar, Page, PageHeader, StatusBadge, type Column } from "../../components";
import { formatCount, plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { useRegistries, type Registry } from "./data";
import { registryLink } from "./links";
import styles from "./registries.module.css";

export function Component() {
  const { items, isPending, error, refetch } = useRegistries();
  const [search, setSearch] = useParam("search");
  const navigate = useNavigate();
  const shown = useMemo(
    () => items.filter(({ host }) => host.includes(search.trim().toLowerCase())),
    [items, search],
  );
  return (
    <Page>
      <PageHeader title="Registries" description="Registries that images came from, and whether scan workers may contact them." />
      <CommandBar label="Registries" commands={[{ label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch }]} />
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by host"
        status={isPending ? "" : plural(shown.length, "registry", "registries")}
      />
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <DataTable
          label="Registries"
          columns={COLUMNS}
          rows={shown}
          rowKey={(row) => row.host}
          loading={isPending}
          minWidth={560}
          onOpen={(row) => void navigate(registryLink(row.host))}
          empty={search ? <EmptyState title="No registry matches">No host contains “{search}”.</EmptyState> : <NoRegistries />}
        />
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<Registry>[] = [
  {
    key: "host",
    header: "Registry",
    width: "minmax(240px, 3fr)",
    sortBy: (row) => row.host,
    render: (row) => (
      <Link className={styles["link"]} to={registryLink(row.host)} onClick={(event) => event.stopPropagation()}>
        {row.host}
      </Link>
    ),
  },
  {
    key: "repositories",
    header: "Repositories",
    width: "minmax(112px, 1fr)",
    sortBy: (row) => row.repositoryCount,
    render: (row) => formatCount(row.repositoryCount),
  },
  { key: "images", header: "Images", width: "minmax(96px, 1fr)", sortBy: (row) => row.imageCount, render: (row) => formatCount(row.imageCount) },
  { key: "access", header: "Access", width: "minmax(176px, 1.5fr)", sortBy: (row) => row.access, render: (row) => <Access access={row.access} /> },
];

function Access({ access }: { access: Registry["access"] }) {
  if (access === "On") return <StatusBadge tone="good">On</StatusBadge>;
  if (access === "Off")
    return (
      <StatusBadge tone="warning" title="Registry access is switched off in Settings: nothing is scanned">
        Off
      </StatusBadge>
    );
  return (
    <StatusBadge tone="neutral" title="No scan worker that was heard of lately may contact this host">
      Not configured
    </StatusBadge>
  );
}

function NoRegistries() {
  return (
    <EmptyState title="No image is known yet" icon={<Box48Regular />}>
      A registry appears here once it notifies the hub of a push, or once somebody asks for a scan of one of its images.
    </EmptyState>
  );
}
