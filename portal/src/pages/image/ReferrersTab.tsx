import { Dropdown, Option } from "@fluentui/react-components";
import { ChevronDown16Regular, ChevronRight16Regular, Document20Regular, Signature20Regular } from "@fluentui/react-icons";
import { useMemo, useState } from "react";

import { DataTable, Digest, EmptyState, FilterBar, RelativeTime, StatusBadge, type Column } from "../../components";
import { formatBytes, plural } from "../../lib/format";
import { useParam } from "../../lib/params";
import type { ImageDetail, Referrer } from "./data";
import styles from "./image.module.css";
import { NothingYet } from "./NothingYet";
import { ReferrerPanel } from "./ReferrerPanel";
import { countReferrers, keysIn, treeRows, type ReferrerRow } from "./referrers";

const KINDS: Record<string, string> = { "": "All kinds", artifact: "Findings artifacts", signature: "Signatures", other: "Others" };

/** What refers to the image, and what refers to that, as a worker saw it. */
export function ReferrersTab({ image, referrers }: { image: ImageDetail; referrers: readonly Referrer[] }) {
  const [search, setSearch] = useParam("search");
  const [kind, setKind] = useParam("kind");
  const [verified, setVerified] = useParam("verified");
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState<ReferrerRow | null>(null);
  const rows = useMemo(() => treeRows(referrers, { search, kind, verified }, closed), [referrers, search, kind, verified, closed]);
  const keys = useMemo(() => keysIn(referrers), [referrers]);
  const columns = useMemo(() => columnsOf((path) => setClosed((before) => toggled(before, path))), []);
  if (!image.manifest) return <NothingYet image={image} what="referrer" />;
  const verifiers: Record<string, string> = {
    "": "Verified or not",
    ...Object.fromEntries(keys.map((key) => [key, `Verified by ${key}`])),
    "-": "Not verified",
  };
  return (
    <>
      <FilterBar
        search={search}
        onSearch={setSearch}
        placeholder="Search by digest or type"
        status={plural(countReferrers(referrers), "referrer")}
      >
        <Choice label="Kind" options={KINDS} value={kind} onChange={setKind} />
        <Choice label="Verified" options={verifiers} value={verified} onChange={setVerified} />
      </FilterBar>
      <DataTable
        label="Referrers"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.path}
        minWidth={868}
        activeKey={shown?.path}
        onOpen={setShown}
        empty={
          <EmptyState title={referrers.length ? "No referrer matches" : "Nothing refers to this image"}>
            {referrers.length ? "Take a filter away to see more." : "A scan attaches its findings as a signed referrer."}
          </EmptyState>
        }
      />
      {shown ? <ReferrerPanel image={image} referrer={shown.referrer} onClose={() => setShown(null)} /> : null}
    </>
  );
}

function Choice({ label, options, value, onChange }: { label: string; options: Record<string, string>; value: string; onChange: (value: string) => void }) {
  return (
    <Dropdown
      className={styles["wide"] ?? ""}
      aria-label={label}
      value={options[value] ?? ""}
      selectedOptions={[value]}
      onOptionSelect={(_, data) => onChange(data.optionValue ?? "")}
    >
      {Object.entries(options).map(([key, text]) => (
        <Option key={key} value={key}>
          {text}
        </Option>
      ))}
    </Dropdown>
  );
}

function columnsOf(onToggle: (path: string) => void): readonly Column<ReferrerRow>[] {
  return [
    { key: "type", header: "Artifact type", width: "minmax(320px, 3fr)", render: (row) => <TypeCell row={row} onToggle={onToggle} /> },
    { key: "digest", header: "Digest", width: "minmax(208px, 1fr)", render: (row) => <Digest digest={row.referrer.digest} /> },
    { key: "verified", header: "Verified by", width: "minmax(128px, 1fr)", render: (row) => <VerifiedBy referrer={row.referrer} /> },
    { key: "created", header: "Created", width: "minmax(112px, 0.7fr)", render: (row) => <RelativeTime time={row.referrer.createdAt || undefined} never="not said" /> },
    { key: "size", header: "Size", width: "88px", align: "end", render: (row) => formatBytes(row.referrer.size ?? 0) },
  ];
}

const INDENT_PX = 24;

function TypeCell({ row, onToggle }: { row: ReferrerRow; onToggle: (path: string) => void }) {
  const { referrer, depth, hasChildren, open, path } = row;
  const Icon = referrer.kind === "signature" ? Signature20Regular : Document20Regular;
  return (
    <span className={styles["tree"]} style={{ paddingLeft: (depth - 1) * INDENT_PX }}>
      {hasChildren ? (
        <button
          type="button"
          className={styles["expander"]}
          aria-expanded={open}
          aria-label={open ? "Hide what refers to it" : "Show what refers to it"}
          onClick={(event) => {
            event.stopPropagation();
            onToggle(path);
          }}
        >
          {open ? <ChevronDown16Regular /> : <ChevronRight16Regular />}
        </button>
      ) : (
        <span className={styles["noExpander"]} />
      )}
      <Icon aria-hidden />
      <span title={referrer.artifactType}>{referrer.artifactType || "no type"}</span>
    </span>
  );
}

export function VerifiedBy({ referrer }: { referrer: Referrer }) {
  const keys = referrer.verifiedBy ?? [];
  if (keys.length) return <StatusBadge tone="good">{keys.join(", ")}</StatusBadge>;
  if (referrer.note) {
    return (
      <StatusBadge tone="warning" title={referrer.note}>
        Could not be read
      </StatusBadge>
    );
  }
  return (
    <StatusBadge tone="neutral" title="No evidence key of the scan worker signed it: it is not evidence">
      Not verified
    </StatusBadge>
  );
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}
