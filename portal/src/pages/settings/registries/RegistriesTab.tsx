import { Button } from "@fluentui/react-components";
import { Add20Regular, ArrowClockwise20Regular, Box48Regular } from "@fluentui/react-icons";
import { useMemo } from "react";
import { useNavigate, useParams } from "react-router";

import { useMayWrite } from "../../../api/session";
import { CommandBar, ConfirmDialog, DataTable, EmptyState, ErrorState, RelativeTime, type Column } from "../../../components";
import { useIsWide } from "../../../lib/width";
import styles from "../settings.module.css";
import { Badge } from "./Badge";
import { useConfigured, type Worker } from "./data";
import { RegistryEditor } from "./RegistryEditor";
import { RegistryPanel } from "./RegistryPanel";
import { credentialWords, pollWords, testWords, type Row, type Said } from "./words";

/** Cannot be a host: those begin with a letter or digit. */
const ADD = "-add";
const EDIT = "edit";
const WIDE_PX = 980;

/** Registries that scan workers contact: how, with whose credentials, and how it goes. */
export function RegistriesTab() {
  const { rows, workers, isPending, error, refetch } = useConfigured();
  const { panel, act } = useParams();
  const navigate = useNavigate();
  const mayWrite = useMayWrite();
  const wide = useIsWide(WIDE_PX);
  const columns = useMemo(() => columnsOf(workers, wide), [workers, wide]);
  const open = (...where: string[]) => void navigate(["/settings/registries", ...where.map(encodeURIComponent)].join("/"));
  const close = () => open();
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const chosen = rows.find(({ host }) => host === panel);
  const editing = mayWrite && (panel === ADD || (act === EDIT && chosen?.record !== undefined));
  return (
    <>
      <p className={`${styles["muted"]} ${styles["bar"]}`}>
        Registries that scan workers contact. Gates contact those of the trust configuration of their own cluster.
      </p>
      <CommandBar
        label="Registries"
        commands={[
          { label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: refetch },
          ...(mayWrite ? [{ label: "Add registry", icon: <Add20Regular />, onClick: () => open(ADD) }] : []),
        ]}
      />
      <DataTable
        label="Registries"
        columns={columns}
        rows={rows}
        rowKey={(row) => row.host}
        loading={isPending}
        minWidth={wide ? 900 : 640}
        activeKey={panel}
        onOpen={(row) => open(row.host)}
        empty={<None onAdd={mayWrite ? () => open(ADD) : undefined} />}
      />
      {editing && !isPending ? (
        <RegistryEditor
          key={panel}
          record={chosen?.record}
          taken={rows.filter(({ record }) => record).map(({ host }) => host)}
          onClose={close}
        />
      ) : null}
      {chosen && !editing ? (
        <RegistryPanel key={chosen.host} row={chosen} workers={workers} onEdit={() => open(chosen.host, EDIT)} onClose={close} />
      ) : null}
      {panel && panel !== ADD && !chosen && !isPending ? (
        <ConfirmDialog title="There is no such registry" confirm="Show all registries" onConfirm={close} onCancel={close}>
          No worker contacts {panel}, and it is not configured here. It may have been removed since the link was made.
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function None({ onAdd }: { onAdd: (() => void) | undefined }) {
  return (
    <EmptyState
      title="No registry is configured"
      icon={<Box48Regular />}
      action={
        onAdd ? (
          <Button appearance="primary" onClick={onAdd}>
            Add registry
          </Button>
        ) : null
      }
    >
      Until one is, nothing is scanned: workers contact no registry that an administrator did not name.
    </EmptyState>
  );
}

const IN_A_FILE: Said = { tone: "neutral", text: "In a worker’s file", title: "The trust configuration of a worker names it; it is changed there" };

function columnsOf(workers: readonly Worker[], wide: boolean): readonly Column<Row>[] {
  const quiet = <span className={styles["muted"]}>–</span>;
  const said = (of: (record: NonNullable<Row["record"]>, row: Row) => Said, otherwise: Said | null = null) => {
    const words = (row: Row) => (row.record ? of(row.record, row) : otherwise);
    return {
      sortBy: (row: Row) => words(row)?.text ?? "",
      render: (row: Row) => {
        const found = words(row);
        return found ? <Badge said={found} /> : quiet;
      },
    };
  };
  const all: (Column<Row> & { only?: "wide" })[] = [
    { key: "host", header: "Registry", width: "minmax(184px, 2fr)", sortBy: (row) => row.host, render: (row) => <span title={row.host}>{row.host}</span> },
    { key: "state", header: "Test", width: "minmax(160px, 1.2fr)", ...said((record, row) => testWords(record, row.workers), IN_A_FILE) },
    { key: "credentials", header: "Credentials", width: "minmax(128px, 1fr)", ...said((record) => credentialWords(record, workers)) },
    { key: "polling", header: "New images", width: "minmax(152px, 1.1fr)", ...said(pollWords) },
    {
      key: "looked",
      header: "Last whole look",
      width: "minmax(128px, 0.9fr)",
      only: "wide",
      sortBy: (row) => row.record?.poll?.lastCompleteAt ?? "",
      render: (row) => (row.record?.polling.enabled ? <RelativeTime time={row.record.poll?.lastCompleteAt || undefined} never="not yet" /> : quiet),
    },
    {
      key: "changed",
      header: "Changed",
      width: "minmax(112px, 0.8fr)",
      only: "wide",
      sortBy: (row) => row.record?.updatedAt ?? "",
      render: (row) => (row.record ? <RelativeTime time={row.record.updatedAt} /> : quiet),
    },
  ];
  return all.filter(({ only }) => wide || only === undefined);
}
