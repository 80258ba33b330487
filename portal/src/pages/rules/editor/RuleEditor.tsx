import { Button, MessageBar, MessageBarActions, MessageBarBody, Tab as TabButton, TabList } from "@fluentui/react-components";
import { useMemo, useRef, useState } from "react";

import { ApiError } from "../../../api/client";
import { useMayWrite } from "../../../api/session";
import { useTell } from "../../../app/toasts";
import { ConfirmDialog, DetailPanel } from "../../../components";
import { capitalize } from "../../../lib/format";
import { useLeaveGuard } from "../../../lib/leave";
import { useCreateRule, useReplaceRule } from "../data";
import { bodyOf, emptyForm, formOf, type RuleForm, type RuleRecord } from "../form";
import { refusalOf, type Refusal } from "../refusal";
import { TABS, isEmpty, tabOf, validate, type Tab } from "../validate";
import { ConditionsTab } from "./ConditionsTab";
import { DetailsTab } from "./DetailsTab";
import styles from "./Editor.module.css";
import { ExemptionsTab } from "./ExemptionsTab";

const TITLES: Record<Tab, string> = {
  details: "Details",
  conditions: "Scan conditions",
  exemptions: "Exemptions",
};

interface Props {
  /** Undefined: a new rule. */
  record: RuleRecord | undefined;
  rules: readonly RuleRecord[];
  onClose: () => void;
}

/** The panel in which a rule is written. Nothing is sent before every tab is valid. */
export function RuleEditor({ record, rules, onClose }: Props) {
  // The rule as it was when the panel opened: a refresh of the list must not change what is edited.
  const [opened] = useState(record);
  const [initial] = useState<RuleForm>(() => (opened ? formOf(opened) : emptyForm()));
  const [form, setForm] = useState(initial);
  const [tab, setTab] = useState<Tab>("details");
  const mayWrite = useMayWrite();
  const today = useMemo(() => new Date().toISOString().slice(0, 10), []);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const problems = useMemo(() => {
    const names = rules.filter((other) => other.id !== opened?.id).map((other) => other.rule.name);
    const found = validate(form, { names, today });
    return refusal ? { ...found, [refusal.tab]: { ...refusal.problems, ...found[refusal.tab] } } : found;
  }, [form, rules, opened, today, refusal]);
  const dirty = useMemo(() => JSON.stringify(bodyOf(form)) !== JSON.stringify(bodyOf(initial)), [form, initial]);
  const saved = useRef(false);
  const saving = useSaving(opened, form, {
    onSaved: () => {
      saved.current = true;
      onClose();
    },
    onRefused: (error) => {
      setTab(tabOf(error.field));
      setRefusal(refusalOf(error.field, error.message, form) ?? null);
    },
  });
  const guard = useLeaveGuard(() => dirty && !saved.current);

  const place = TABS.indexOf(tab);
  const firstBad = TABS.find((name) => !isEmpty(problems[name]));
  const reachable = (name: Tab) =>
    opened !== undefined || TABS.slice(0, TABS.indexOf(name)).every((earlier) => isEmpty(problems[earlier]));
  const change = (part: Partial<RuleForm>) => {
    setForm((before) => ({ ...before, ...part }));
    setRefusal(null); // what the hub said was of the rule as it was
  };
  const tabProps = { form, change, problems: problems[tab], today, told: refusal !== null, record: opened, disabled: !mayWrite };
  const next = TABS[place + 1];
  const previous = TABS[place - 1];

  return (
    <>
      <DetailPanel
        width="wide"
        title={opened ? (mayWrite ? "Edit vulnerability assessment rule" : opened.rule.name) : "Add vulnerability assessment rule"}
        onClose={onClose}
        head={
          <TabList selectedValue={tab} onTabSelect={(_, data) => setTab(data.value as Tab)} className={styles["tabs"] ?? ""}>
            {TABS.map((name) => (
              <TabButton key={name} value={name} disabled={name !== tab && !reachable(name)}>
                {TITLES[name]}
              </TabButton>
            ))}
          </TabList>
        }
        footer={
          <>
            {previous ? <Button onClick={() => setTab(previous)}>Back</Button> : <Button onClick={onClose}>Cancel</Button>}
            {next ? (
              <Button
                appearance={opened ? "secondary" : "primary"}
                disabled={!isEmpty(problems[tab])}
                onClick={() => setTab(next)}
              >
                Next
              </Button>
            ) : null}
            {mayWrite && (opened || !next) ? (
              <Button
                appearance="primary"
                disabled={firstBad !== undefined || (opened !== undefined && !dirty)}
                disabledFocusable={saving.busy}
                onClick={() => saving.save()}
              >
                {opened ? "Save rule" : "Add rule"}
              </Button>
            ) : null}
            {firstBad && firstBad !== tab && opened ? (
              <span className={styles["footNote"]} role="status">
                {TITLES[firstBad]} needs attention
              </span>
            ) : null}
          </>
        }
      >
        <div role="tabpanel" aria-label={TITLES[tab]} className={styles["panel"]}>
          <SaveError error={refusal ? null : saving.error} onOverwrite={() => saving.save("*")} />
          {opened?.warnings?.length ? <Warnings warnings={opened.warnings} /> : null}
          {tab === "details" ? <DetailsTab {...tabProps} /> : null}
          {tab === "conditions" ? <ConditionsTab {...tabProps} /> : null}
          {tab === "exemptions" ? <ExemptionsTab {...tabProps} /> : null}
        </div>
      </DetailPanel>
      {guard.asking ? (
        <ConfirmDialog
          title="Leave without saving?"
          confirm="Discard changes"
          cancel="Keep editing"
          onConfirm={guard.leave}
          onCancel={guard.stay}
        >
          What you changed in this rule is not saved.
        </ConfirmDialog>
      ) : null}
    </>
  );
}

interface Outcome {
  onSaved: () => void;
  /** With the field that the hub found wrong. */
  onRefused: (error: ApiError) => void;
}

function useSaving(opened: RuleRecord | undefined, form: RuleForm, { onSaved, onRefused }: Outcome) {
  const tell = useTell();
  const create = useCreateRule();
  const replace = useReplaceRule();
  const done = (record: RuleRecord) => {
    onSaved();
    tell("success", opened ? "Rule saved" : "Rule added", record.rule.name);
  };
  const failed = (error: Error) => {
    if (error instanceof ApiError && error.field) onRefused(error);
  };
  return {
    busy: create.isPending || replace.isPending,
    error: create.error ?? replace.error,
    save: (etag = opened?.etag ?? "") => {
      const write = bodyOf(form);
      if (opened) replace.mutate({ id: opened.id, etag, write }, { onSuccess: done, onError: failed });
      else create.mutate(write, { onSuccess: done, onError: failed });
    },
  };
}

function SaveError({ error, onOverwrite }: { error: Error | null; onOverwrite: () => void }) {
  if (!error) return null;
  const conflict = error instanceof ApiError && error.status === 412;
  return (
    <MessageBar intent={conflict ? "warning" : "error"} layout="multiline" role="alert">
      <MessageBarBody>
        {error.message}
        {error instanceof ApiError && error.field ? ` (${error.field})` : ""}
      </MessageBarBody>
      {conflict ? (
        <MessageBarActions>
          <Button size="small" onClick={onOverwrite}>
            Save mine over it
          </Button>
        </MessageBarActions>
      ) : null}
    </MessageBar>
  );
}

function Warnings({ warnings }: { warnings: readonly string[] }) {
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <ul className={styles["warnings"]}>
          {warnings.map((warning) => (
            <li key={warning}>{capitalize(warning)}</li>
          ))}
        </ul>
      </MessageBarBody>
    </MessageBar>
  );
}
