import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import {
  Add20Regular,
  ArrowClockwise20Regular,
  ArrowExport20Regular,
  ArrowImport20Regular,
  ArrowUndo20Regular,
  Copy20Regular,
  Delete20Regular,
  DocumentText20Regular,
  Edit20Regular,
  PlayCircle20Regular,
  RecordStop20Regular,
  Save20Regular,
} from "@fluentui/react-icons";
import { useMemo, useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { useMayWrite } from "../../api/session";
import { useTell } from "../../app/toasts";
import {
  CommandBar,
  ConfirmDialog,
  EmptyState,
  ErrorState,
  FilterBar,
  Page,
  PageHeader,
  type Command,
} from "../../components";
import { download } from "../../lib/download";
import { plural } from "../../lib/format";
import { useDeleteRules, useDuplicateRule, useExport, useRules, useSwitchRules } from "./data";
import { RuleEditor } from "./editor/RuleEditor";
import type { RuleRecord } from "./form";
import { ImportPanel } from "./ImportPanel";
import { PolicyObjectPanel } from "./PolicyObjectPanel";
import { policyText } from "./policyText";
import { ReAdmissionBar } from "./ReAdmissionBar";
import { ReAdmissionPanel } from "./ReAdmissionPanel";
import styles from "./RulesTable.module.css";
import { RulesTable } from "./RulesTable";
import { useStagedOrder } from "./useStagedOrder";
import { cloudWords, scopeWords } from "./words";

export function Component() {
  const { rules, orderEtag, isPending, error, refetch, isFetching } = useRules();
  const [params, setParams] = useSearchParams();
  const search = params.get("search") ?? "";
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const navigate = useNavigate();
  const { panel } = useParams();
  const mayWrite = useMayWrite();

  const staged = useStagedOrder(rules, orderEtag);
  const { order } = staged;
  const ordered = useMemo(() => {
    const byId = new Map(rules.map((rule) => [rule.id, rule]));
    return order.flatMap((id) => byId.get(id) ?? []);
  }, [order, rules]);
  const shown = useMemo(() => ordered.filter((record) => mentions(record, search)), [ordered, search]);
  const chosen = ordered.filter((record) => selected.has(record.id));

  const open = (where: string) => void navigate({ pathname: `/rules${where}`, search: params.toString() });
  const onSearch = (text: string) =>
    setParams((before) => {
      if (text) before.set("search", text);
      else before.delete("search");
      return before;
    }, { replace: true });

  const edited = rules.find((record) => record.id === panel);
  return (
    <Page>
      <PageHeader
        title="Security rules"
        section="Vulnerability assessment"
        description="The first enabled rule whose scope matches decides about an image."
      />
      <Commands
        chosen={chosen}
        mayWrite={mayWrite}
        order={staged}
        onRefresh={() => void refetch()}
        onOpen={open}
        onSelect={(ids) => setSelected(new Set(ids))}
      />
      <FilterBar
        search={search}
        onSearch={onSearch}
        placeholder="Search by rule or scope name"
        status={isFetching && !isPending ? "Refreshing" : isPending ? "" : plural(shown.length, "rule")}
      />
      <ReAdmissionBar rules={rules} onShow={() => open("/re-admission")} />
      {staged.conflict ? <Conflict told={staged.conflict.message} onOverwrite={() => staged.save(true)} onDiscard={staged.reset} /> : null}
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <RulesTable
          records={shown}
          loading={isPending}
          selected={selected}
          onSelect={setSelected}
          onOpen={(id) => open(`/${id}`)}
          onMove={mayWrite && !search ? staged.move : undefined}
          order={order}
          empty={
            <EmptyState title="No rule matches">
              Nothing has “{search}” in its name, description, scope or clusters.
            </EmptyState>
          }
        />
      )}
      {panel === "import" && mayWrite ? <ImportPanel onClose={() => open("")} /> : null}
      {panel === "policy-object" ? <PolicyObjectPanel only={chosen} onClose={() => open("")} /> : null}
      {panel === "re-admission" ? <ReAdmissionPanel onClose={() => open("")} /> : null}
      {(panel === "new" && mayWrite) || edited ? (
        <RuleEditor key={panel} record={edited} rules={rules} onClose={() => open("")} />
      ) : null}
      {panel && !PANELS.has(panel) && !edited && !isPending ? (
        <GoneRule onClose={() => open("")} />
      ) : null}
    </Page>
  );
}

/** What stands in an address in the place of a rule. */
const PANELS: ReadonlySet<string> = new Set(["new", "import", "policy-object", "re-admission"]);

function mentions(record: RuleRecord, search: string): boolean {
  const text = [record.rule.name, record.rule.description, scopeWords(record.rule), cloudWords(record.cloudScope)];
  return text.join("\n").toLowerCase().includes(search.trim().toLowerCase());
}

function GoneRule({ onClose }: { onClose: () => void }) {
  return (
    <ConfirmDialog title="There is no such rule" confirm="Show all rules" onConfirm={onClose} onCancel={onClose}>
      It may have been deleted since the link was made.
    </ConfirmDialog>
  );
}

interface ConflictProps {
  told: string;
  onOverwrite: () => void;
  onDiscard: () => void;
}

/** Somebody else changed the order while this one was staged. */
function Conflict({ told, onOverwrite, onDiscard }: ConflictProps) {
  return (
    <MessageBar intent="warning" layout="multiline" role="alert" className={styles["bar"] ?? ""}>
      <MessageBarBody>
        <MessageBarTitle>Your order is not saved</MessageBarTitle>
        {told}
      </MessageBarBody>
      <MessageBarActions>
        <Button size="small" onClick={onOverwrite}>
          Save mine over it
        </Button>
        <Button size="small" onClick={onDiscard}>
          Discard mine
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}

interface CommandsProps {
  chosen: readonly RuleRecord[];
  mayWrite: boolean;
  order: ReturnType<typeof useStagedOrder>;
  onRefresh: () => void;
  onOpen: (where: string) => void;
  onSelect: (ids: string[]) => void;
}

function Commands({ chosen, mayWrite, order, onRefresh, onOpen, onSelect }: CommandsProps) {
  const tell = useTell();
  const [deleting, setDeleting] = useState(false);
  const duplicate = useDuplicateRule();
  const remove = useDeleteRules();
  const switchRules = useSwitchRules();
  const one = chosen.length === 1 ? chosen[0] : undefined;
  const hasDefault = chosen.some((record) => record.isDefault);
  const failed = (error: Error) => tell("error", "That did not work", error.message);

  const exporting = useExport();
  const exportRules = () =>
    exporting.mutate(undefined, {
      onSuccess: (policy) => {
        download("tidegate-rules.yaml", policyText(policy, chosen), "application/yaml");
        tell("success", `${chosen.length ? plural(chosen.length, "chosen rule") : "All rules"} exported`);
      },
      onError: failed,
    });
  const switchTo = (enabled: boolean) =>
    switchRules.mutate(
      { ids: chosen.map((record) => record.id), enabled },
      {
        onSuccess: () => tell("success", `${plural(chosen.length, "rule")} ${enabled ? "enabled" : "disabled"}`),
        onError: failed,
      },
    );
  const copy = () => {
    if (!one) return;
    duplicate.mutate(one.id, {
      onSuccess: (made) => {
        onSelect([made.id]);
        onOpen(`/${made.id}`);
        tell("success", "Rule duplicated", made.rule.name);
      },
      onError: failed,
    });
  };
  const erase = () =>
    remove.mutate(chosen, {
      onSuccess: () => {
        tell("success", `${plural(chosen.length, "rule")} deleted`);
        onSelect([]);
      },
      onError: failed,
      onSettled: () => setDeleting(false),
    });

  const writes: Command[] = [
    {
      label: "Save",
      icon: <Save20Regular />,
      onClick: () => order.save(),
      disabled: !order.moved || order.busy,
      primary: true,
      title: order.moved ? "Save the new order" : "Drag rules to change their order",
    },
    ...(order.moved ? [{ label: "Discard", icon: <ArrowUndo20Regular />, onClick: order.reset }] : []),
    {
      label: "Edit",
      icon: <Edit20Regular />,
      onClick: () => one && onOpen(`/${one.id}`),
      disabled: !one,
      apart: true,
    },
    { label: "Add rule", icon: <Add20Regular />, onClick: () => onOpen("/new") },
    { label: "Duplicate rule", icon: <Copy20Regular />, onClick: copy, disabled: !one || duplicate.isPending },
    {
      label: "Delete rule",
      icon: <Delete20Regular />,
      onClick: () => setDeleting(true),
      disabled: chosen.length === 0 || hasDefault,
      ...(hasDefault ? { title: "The default rule cannot be deleted; it can be disabled" } : {}),
    },
    {
      label: "Enable",
      icon: <PlayCircle20Regular />,
      onClick: () => switchTo(true),
      disabled: !chosen.some((record) => record.rule.enabled === false),
    },
    {
      label: "Disable",
      icon: <RecordStop20Regular />,
      onClick: () => switchTo(false),
      disabled: !chosen.some((record) => record.rule.enabled !== false),
    },
  ];
  return (
    <>
      <CommandBar
        label="Rules"
        commands={[
          { label: "Refresh", icon: <ArrowClockwise20Regular />, onClick: onRefresh },
          ...(mayWrite ? writes : []),
          ...(mayWrite
            ? [{ label: "Import", icon: <ArrowImport20Regular />, onClick: () => onOpen("/import"), apart: true }]
            : []),
          {
            label: "Export",
            icon: <ArrowExport20Regular />,
            onClick: exportRules,
            disabled: exporting.isPending,
            apart: !mayWrite,
            title: chosen.length ? "The chosen rules as a YAML file" : "All rules as a YAML file",
          },
          { label: "As policy object", icon: <DocumentText20Regular />, onClick: () => onOpen("/policy-object") },
        ]}
      />
      {deleting ? (
        <ConfirmDialog
          title={one ? `Delete “${one.rule.name}”?` : `Delete ${plural(chosen.length, "rule")}?`}
          confirm="Delete"
          busy={remove.isPending}
          onConfirm={erase}
          onCancel={() => setDeleting(false)}
        >
          It is gone from every cluster within seconds, and cannot be brought back from here. What it decided stays in
          Admission Monitoring.
        </ConfirmDialog>
      ) : null}
    </>
  );
}
