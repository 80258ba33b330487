import { ArrowClockwise20Regular } from "@fluentui/react-icons";
import { useMemo } from "react";
import { Link, useNavigate, useParams } from "react-router";

import {
  CommandBar,
  DataTable,
  EmptyState,
  ErrorState,
  FilterBar,
  Page,
  PageHeader,
  RelativeTime,
  SeverityCounts,
  type Column,
} from "../../components";
import { formatCount, plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { useRepositories, type Repository } from "./data";
import { badness } from "../../lib/counts";
import { repositoryLink } from "./links";
import styles from "./registries.module.css";

export function Component() {
  const { registry = "" } = useParams();
  const [search, setSearch] = useParam("search");
  const { items, isPending, error, refetch } = useRepositories(registry, search);
  const navigate = useNavigate();
  const columns = useMemo(() => columnsOf(registry), [registry]);
  return (
    <Page>
      <PageHeader title={registry} section="Repositories" crumbs={[{ text: "Registries", to: "/registries" }, { text: registry }]} />
      <CommandBar label="Repositories" commands={[{ label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch }]} />
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by repository"
        status={isPending ? "" : plural(items.length, "repository", "repositories")}
      />
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <DataTable
          label={`Repositories of ${registry}`}
          columns={columns}
          rows={items}
          rowKey={(row) => row.repository}
          loading={isPending}
          minWidth={760}
          onOpen={(row) => void navigate(repositoryLink(registry, row.repository))}
          empty={
            <EmptyState title={search ? "No repository matches" : "No repository of this registry is known"}>
              {search ? `No name contains “${search}”.` : "Its images appear here once it tells the hub of a push."}
            </EmptyState>
          }
        />
      )}
    </Page>
  );
}

function columnsOf(registry: string): readonly Column<Repository>[] {
  return [
    {
      key: "repository",
      header: "Repository",
      width: "minmax(240px, 3fr)",
      sortBy: (row) => row.repository,
      render: (row) => (
        <Link className={styles["link"]} to={repositoryLink(registry, row.repository)} onClick={(event) => event.stopPropagation()}>
          {row.repository}
        </Link>
      ),
    },
    { key: "tags", header: "Tags", width: "minmax(72px, 0.6fr)", sortBy: (row) => row.tagCount, render: (row) => formatCount(row.tagCount) },
    { key: "images", header: "Images", width: "minmax(80px, 0.6fr)", sortBy: (row) => row.imageCount, render: (row) => formatCount(row.imageCount) },
    {
      key: "worst",
      header: "Findings of the worst image",
      width: "minmax(256px, 2fr)",
      sortBy: (row) => badness(row.worst),
      render: (row) => <SeverityCounts counts={row.worst} />,
    },
    {
      key: "pushed",
      header: "Last pushed",
      width: "minmax(120px, 1fr)",
      sortBy: (row) => row.lastPushedAt,
      render: (row) => <RelativeTime time={row.lastPushedAt} />,
    },
  ];
}
