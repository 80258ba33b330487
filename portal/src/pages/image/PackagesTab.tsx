import { Dropdown, Option } from "@fluentui/react-components";
import { useMemo } from "react";

import { ApiError } from "../../api/client";
import { DataTable, EmptyState, ErrorState, FilterBar, type Column } from "../../components";
import { plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import { usePackages, useReport, type ImageDetail, type Package, type Subject } from "./data";
import styles from "./image.module.css";
import { NothingYet } from "./NothingYet";
import { NotCovered } from "./ReportTab";

/** The software in one platform of the image, as the scanner recognised it. */
export function PackagesTab({ image, subject, platform }: { image: ImageDetail; subject: Subject; platform: string }) {
  const { items, isPending, hasMore, error, refetch } = usePackages(subject, platform);
  const { data: report } = useReport(subject, platform);
  const [search, setSearch] = useParam("search");
  const [covered, setCovered] = useParam("covered");
  const sources = useMemo(() => new Map((report?.ecosystems ?? []).map((row) => [row.ecosystem, row.source ?? ""])), [report]);
  const columns = useMemo(() => columnsOf(sources), [sources]);
  const shown = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    const isWanted = (ecosystem: string) => covered === "" || (covered === "yes") === Boolean(sources.get(ecosystem));
    return items.filter(
      ({ name, purl, ecosystem, locations }) =>
        isWanted(ecosystem) &&
        [name, purl, ecosystem, ...(locations ?? []).map(({ path }) => path)].join("\n").toLowerCase().includes(wanted),
    );
  }, [items, search, covered, sources]);
  if (error instanceof ApiError && error.status === 404) return <NothingYet image={image} what="package" />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <>
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by package or path"
        status={isPending || hasMore ? "Loading" : plural(shown.length, "package")}
      >
        <Dropdown
          className={styles["narrow"] ?? ""}
          aria-label="Judged"
          value={COVERED[covered] ?? ""}
          selectedOptions={[covered]}
          onOptionSelect={(_, data) => setCovered(data.optionValue ?? "")}
        >
          {Object.entries(COVERED).map(([key, text]) => (
            <Option key={key} value={key}>
              {text}
            </Option>
          ))}
        </Dropdown>
      </FilterBar>
      <DataTable
        label="Packages"
        columns={columns}
        rows={shown}
        rowKey={(row) => row.purl}
        loading={isPending}
        minWidth={880}
        empty={
          <EmptyState title={items.length ? "No package matches" : "No package was recognised"}>
            {items.length ? "Take a filter away to see more." : "The report is incomplete: what is in this image was not judged."}
          </EmptyState>
        }
      />
    </>
  );
}

const COVERED: Record<string, string> = { "": "Judged or not", yes: "Judged", no: "Not covered" };

const columnsOf = (sources: ReadonlyMap<string, string>): readonly Column<Package>[] => [
  { key: "name", header: "Package", width: "minmax(200px, 2fr)", sortBy: (row) => row.name, render: (row) => <span title={row.purl}>{row.name}</span> },
  { key: "version", header: "Version", width: "minmax(136px, 1fr)", sortBy: (row) => row.version, render: (row) => <span title={row.version}>{row.version}</span> },
  { key: "ecosystem", header: "Ecosystem", width: "minmax(112px, 0.8fr)", sortBy: (row) => row.ecosystem, render: (row) => row.ecosystem },
  {
    key: "source",
    header: "Judged by",
    width: "minmax(128px, 0.9fr)",
    sortBy: (row) => sources.get(row.ecosystem) ?? "",
    render: (row) => {
      const source = sources.get(row.ecosystem);
      if (source === undefined) return <span className={styles["muted"]}>–</span>;
      return source ? <span title={source}>{source}</span> : <NotCovered />;
    },
  },
  {
    key: "purl",
    header: "Package URL",
    width: "minmax(240px, 2.4fr)",
    sortBy: (row) => row.purl,
    render: (row) => (
      <span className={styles["mono"]} title={row.purl}>
        {row.purl}
      </span>
    ),
  },
  {
    key: "path",
    header: "Where",
    width: "minmax(160px, 2fr)",
    sortBy: (row) => row.locations?.[0]?.path ?? "",
    render: (row) => (
      <span className={styles["mono"]} title={(row.locations ?? []).map(({ path }) => path).join("\n")}>
        {row.locations?.[0]?.path ?? ""}
      </span>
    ),
  },
];
