import { ArrowClockwise20Regular } from "@fluentui/react-icons";
import { useMemo } from "react";
import { Link, useNavigate, useParams } from "react-router";

import {
  CommandBar,
  DataTable,
  Digest,
  EmptyState,
  ErrorState,
  FilterBar,
  Page,
  PageHeader,
  RelativeTime,
  SeverityCounts,
  type Column,
} from "../../components";
import { plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { useIsWide } from "../../lib/width";
import { useImages, type Image } from "./data";
import { badness, worstCounts } from "../../lib/counts";
import { ImageStatus } from "./ImageStatus";
import { imageLink, registryLink } from "./links";
import styles from "./registries.module.css";
import { Tags } from "./Tags";

/** Narrower than that, the digest and the platforms give way; both stand on the image's own page. */
const WIDE_PX = 1080;

export function Component() {
  const { registry = "", repository = "" } = useParams();
  const wide = useIsWide(WIDE_PX);
  const columns = wide ? WIDE : NARROW;
  const [search, setSearch] = useParam("search");
  const { items, isPending, error, refetch } = useImages(registry, repository, search);
  const navigate = useNavigate();
  const tagCount = useMemo(() => items.reduce((sum, image) => sum + image.tags.length, 0), [items]);
  return (
    <Page>
      <PageHeader
        title={repository}
        crumbs={[
          { text: "Registries", to: "/registries" },
          { text: registry, to: registryLink(registry) },
          { text: repository },
        ]}
      />
      <CommandBar label="Images" commands={[{ label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch }]} />
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by tag or digest"
        status={isPending ? "" : `${plural(items.length, "image")}, ${plural(tagCount, "tag")}`}
      />
      {error ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <DataTable
          label={`Images of ${repository}`}
          columns={columns}
          rows={items}
          rowKey={(row) => row.digest}
          loading={isPending}
          minWidth={wide ? 1000 : 640}
          onOpen={(row) => void navigate(imageLink(row.registry, row.repository, row.digest))}
          empty={
            <EmptyState title={search ? "No image matches" : "No image of this repository is known"}>
              {search ? `No tag or digest contains “${search}”.` : "Images appear here once they are pushed or scanned."}
            </EmptyState>
          }
        />
      )}
    </Page>
  );
}

/** With its digest where no column beside it has that. */
const tagsColumn = (withDigest: boolean): Column<Image> => ({
  key: "tags",
  header: "Tags",
  width: "minmax(160px, 2fr)",
  sortBy: (row) => row.tags.join(),
  render: (row) => (
    <Link
      className={styles["link"]}
      to={imageLink(row.registry, row.repository, row.digest)}
      onClick={(event) => event.stopPropagation()}
    >
      <Tags tags={row.tags} {...(withDigest ? { digest: row.digest } : {})} />
    </Link>
  ),
});

const COLUMNS: readonly Column<Image>[] = [
  { key: "digest", header: "Digest", width: "minmax(208px, 1.4fr)", sortBy: (row) => row.digest, render: (row) => <Digest digest={row.digest} /> },
  {
    key: "platforms",
    header: "Platforms",
    width: "minmax(136px, 1.2fr)",
    render: (row) => {
      const names = (row.reports ?? []).map((report) => report.platform).join(", ");
      return <span title={names}>{names || "–"}</span>;
    },
  },
  {
    key: "findings",
    header: "Findings",
    width: "minmax(248px, 1.6fr)",
    sortBy: (row) => badness(worstCounts(row.reports ?? []) ?? {}),
    render: (row) => {
      const counts = worstCounts(row.reports ?? []);
      return counts ? <SeverityCounts counts={counts} /> : <span className={styles["muted"]}>not known</span>;
    },
  },
  { key: "status", header: "Scan", width: "minmax(160px, 1fr)", sortBy: (row) => row.status, render: (row) => <ImageStatus image={row} /> },
  { key: "pushed", header: "Pushed", width: "minmax(112px, 0.8fr)", sortBy: (row) => row.pushedAt, render: (row) => <RelativeTime time={row.pushedAt} /> },
];

const WIDE = [tagsColumn(false), ...COLUMNS];
const NARROW = [tagsColumn(true), ...COLUMNS.filter(({ key }) => key !== "digest" && key !== "platforms")];
