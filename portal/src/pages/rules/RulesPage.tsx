import {
  Add20Regular,
  ArrowClockwise20Regular,
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
import { plural } from "../../lib/format";
import { useDeleteRules, useDuplicateRule, useMoveRules, useRules, useSwitchRules } from "./data";
import { RuleEditor } from "./editor/RuleEditor";
import type { RuleRecord } from "./form";
import { fitOrder, movesBetween, moveTo } from "./order";
import { PolicyObjectPanel } from "./PolicyObjectPanel";
import { RulesTable } from "./RulesTable";
import { cloudWords, scopeWords } from "./words";

export function Component() {
  const { rules, isPending, error, refetch, isFetching } = useRules();
  const [params, setParams] = useSearchParams();
  const search = params.get("search") ?? "";
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [staged, setStaged] = useState<readonly string[] | null>(null);
  const navigate = useNavigate();
  const { panel } = useParams();
  const mayWrite = useMayWrite();

  const saved = useMemo(() => rules.map((rule) => rule.id), [rules]);
  const order = useMemo(() => (staged ? fitOrder(staged, rules) : saved), [staged, rules, saved]);
  const moved = order.join() !== saved.join();
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
        moved={moved}
        moves={() => movesBetween(saved, order)}
        onReset={() => setStaged(null)}
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
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : (
        <RulesTable
          records={shown}
          loading={isPending}
          selected={selected}
          onSelect={setSelected}
          onOpen={(id) => open(`/${id}`)}
          onMove={mayWrite && !search ? (id, over) => setStaged(moveTo(order, id, over)) : undefined}
          order={order}
          empty={
            <EmptyState title="No rule matches">
              Nothing has “{search}” in its name, description, scope or clusters.
            </EmptyState>
          }
        />
      )}
      {panel === "policy-object" ? <PolicyObjectPanel only={chosen} onClose={() => open("")} /> : null}
      {(panel === "new" && mayWrite) || edited ? (
        <RuleEditor key={panel} record={edited} rules={rules} onClose={() => open("")} />
      ) : null}
      {panel && panel !== "new" && panel !== "policy-object" && !edited && !isPending ? (
        <GoneRule onClose={() => open("")} />
      ) : null}
    </Page>
  );
}

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

interface CommandsProps {
  chosen: readonly RuleRecord[];
  mayWrite: boolean;
  moved: boolean;
  moves: () => ReturnType<typeof movesBetween>;
  onReset: () => void;
  onRefresh: () => void;
  onOpen: (where: string) => void;
  onSelect: (ids: string[]) => void;
}

function Commands({ chosen, mayWrite, moved, moves, onReset, onRefresh, onOpen, onSelect }: CommandsProps) {
  const tell = useTell();
  const [deleting, setDeleting] = useState(false);
  const save = useMoveRules();
  const duplicate = useDuplicateRule();
  const remove = useDeleteRules();
  const switchRules = useSwitchRules();
  const one = chosen.length === 1 ? chosen[0] : undefined;
  const hasDefault = chosen.some((record) => record.isDefault);
  const failed = (error: Error) => tell("error", "That did not work", error.message);

  const saveOrder = () =>
    save.mutate(moves(), {
      onSuccess: () => {
        onReset();
        tell("success", "Order saved");
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
      onClick: saveOrder,
      disabled: !moved || save.isPending,
      primary: true,
      title: moved ? "Save the new order" : "Drag rules to change their order",
    },
    ...(moved ? [{ label: "Discard", icon: <ArrowUndo20Regular />, onClick: onReset }] : []),
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
          {
            label: "As policy object",
            icon: <DocumentText20Regular />,
            onClick: () => onOpen("/policy-object"),
            apart: true,
          },
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
