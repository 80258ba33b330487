import { Button, Dropdown, Field as Labelled, Input, MessageBar, MessageBarBody, Option, Switch, Textarea } from "@fluentui/react-components";
import { useMemo, useRef, useState } from "react";

import { ApiError } from "../../../api/client";
import { useTell } from "../../../app/toasts";
import { ConfirmDialog, DetailPanel, Section, TagInput } from "../../../components";
import { useLeaveGuard } from "../../../lib/leave";
import { CredentialFields } from "./CredentialFields";
import { useSaveRegistry } from "./data";
import { shown, type FieldsProps } from "./fields";
import { credentialsOf, fieldOf, formOf, normalHost, validate, writeOf, type Field, type Problems, type RegistryForm } from "./form";
import styles from "./registries.module.css";
import { UNITS_S, type Configured, type Unit } from "./words";

interface Props {
  /** Undefined: a new registry. */
  record: Configured | undefined;
  /** Hosts that are configured already. */
  taken: readonly string[];
  onClose: () => void;
}

/** The panel in which a registry is configured; a worker tests it as soon as it is saved. */
export function RegistryEditor({ record, taken, onClose }: Props) {
  const [opened] = useState(record); // a refresh of the list must not change what is edited
  const [before] = useState(() => formOf(opened));
  const [form, setForm] = useState(before);
  const [touched, setTouched] = useState<ReadonlySet<Field>>(new Set());
  const [refused, setRefused] = useState<Problems>({});
  const tell = useTell();
  const save = useSaveRegistry();
  const saved = useRef(false);
  const [others] = useState(opened ? [] : taken); // later it is among them itself
  const problems = useMemo(() => validate(form, { before, taken: others }), [form, before, others]);
  const dirty = JSON.stringify(form) !== JSON.stringify(before);
  const guard = useLeaveGuard(() => dirty && !saved.current);
  const change = (part: Partial<RegistryForm>) => {
    setForm((now) => ({ ...now, ...part }));
    setRefused({});
  };
  const touch = (field: Field) => setTouched((now) => (now.has(field) ? now : new Set(now).add(field)));
  // What somebody wrote is judged at once, what is still empty once it was left.
  const problemOf = (field: Field) => refused[field] ?? (touched.has(field) || !isBlank(form, field) ? problems[field] : undefined);
  const fields: FieldsProps = { form, change, problemOf, touch };
  const host = normalHost(form.host);
  const submit = () =>
    save.mutate(
      { host, write: writeOf(form), credentials: credentialsOf(form) },
      {
        onSuccess: () => {
          saved.current = true;
          tell("success", opened ? "Registry saved" : "Registry added", "A worker tests it now.");
          onClose();
        },
        onError: (error) => {
          const field = error instanceof ApiError ? fieldOf(error.field) : undefined;
          if (field) setRefused({ [field]: error.message });
        },
      },
    );
  const bad = Object.keys(problems).length > 0 || Object.keys(refused).length > 0;
  return (
    <>
      <DetailPanel
        title={opened ? `Edit ${opened.host}` : "Add registry"}
        onClose={onClose}
        footer={
          <>
            <Button onClick={onClose}>Cancel</Button>
            {/* Not disabled while it is saved: the focus would fall out of the panel. */}
            <Button appearance="primary" disabled={bad || (opened !== undefined && !dirty)} disabledFocusable={save.isPending} onClick={submit}>
              {opened ? "Save registry" : "Add registry"}
            </Button>
          </>
        }
      >
        <div className={styles["form"]}>
          {save.error && Object.keys(refused).length === 0 ? (
            <MessageBar intent="error" layout="multiline" role="alert">
              <MessageBarBody>{save.error.message}</MessageBarBody>
            </MessageBar>
          ) : null}
          <Connection {...fields} isNew={opened === undefined} />
          <h3 className={styles["heading"]}>Credentials</h3>
          <CredentialFields {...fields} before={before} />
          <h3 className={styles["heading"]}>New images</h3>
          <Polling {...fields} />
          <Section title="More about the connection" open={Boolean(before.ca || before.aliases.length || before.tokenRealms.length || before.redirectHosts.length)}>
            <More {...fields} />
          </Section>
        </div>
      </DetailPanel>
      {guard.asking ? (
        <ConfirmDialog title="Leave without saving?" confirm="Discard changes" cancel="Keep editing" onConfirm={guard.leave} onCancel={guard.stay}>
          What you entered for this registry is not saved.
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function isBlank(form: RegistryForm, field: Field): boolean {
  const value = field in form.credentials ? form.credentials[field as keyof typeof form.credentials] : form[field as keyof RegistryForm];
  return value === "";
}

function Connection({ form, change, problemOf, touch, isNew }: FieldsProps & { isNew: boolean }) {
  return (
    <>
      <Labelled label="Registry" required hint="As image references name it" {...shown(problemOf("host"))}>
        <Input
          value={form.host}
          disabled={!isNew}
          placeholder="registry.example.com"
          autoComplete="off"
          spellCheck={false}
          onBlur={() => touch("host")}
          onChange={(_, data) => change({ host: data.value })}
        />
      </Labelled>
      <Labelled label="Address" hint="Where its API is, if elsewhere or without TLS" {...shown(problemOf("url"))}>
        <Input
          value={form.url}
          placeholder={`https://${normalHost(form.host) || "registry.example.com"}`}
          autoComplete="off"
          spellCheck={false}
          onChange={(_, data) => change({ url: data.value })}
        />
      </Labelled>
      {form.url.trim().startsWith("http://") ? (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>Without TLS, credentials travel in the clear between the worker and the registry.</MessageBarBody>
        </MessageBar>
      ) : null}
      <Switch
        checked={form.allowPrivate}
        label="It may have a private or loopback address"
        onChange={(_, data) => change({ allowPrivate: data.checked })}
      />
      <Labelled
        label="Test repository"
        hint="Tests try a push there, to see whether findings can be attached; empty: reading is tested alone"
        {...shown(problemOf("testRepository"))}
      >
        <Input value={form.testRepository} placeholder="team/app" autoComplete="off" spellCheck={false} onChange={(_, data) => change({ testRepository: data.value })} />
      </Labelled>
    </>
  );
}

function Polling({ form, change, problemOf }: FieldsProps) {
  return (
    <>
      <Switch
        checked={form.polling}
        label="Look for them: the registry does not tell the hub of pushes"
        onChange={(_, data) => change({ polling: data.checked })}
      />
      {form.polling ? (
        <>
          <div className={styles["two"]}>
            <Labelled label="Look every" {...shown(problemOf("every"))}>
              <div className={styles["duration"]}>
                <Input className={styles["count"] ?? ""} aria-label="Look every" inputMode="numeric" value={form.every} onChange={(_, data) => change({ every: data.value })} />
                <Dropdown
                  className={styles["unit"] ?? ""}
                  aria-label="Unit"
                  value={`${form.unit}s`}
                  selectedOptions={[form.unit]}
                  onOptionSelect={(_, data) => change({ unit: (data.optionValue ?? "minute") as Unit })}
                >
                  {Object.keys(UNITS_S).map((unit) => (
                    <Option key={unit} value={unit}>
                      {`${unit}s`}
                    </Option>
                  ))}
                </Dropdown>
              </div>
            </Labelled>
            <Labelled label="Requests a minute, at most" {...shown(problemOf("requestsPerMinute"))}>
              <Input inputMode="numeric" value={form.requestsPerMinute} onChange={(_, data) => change({ requestsPerMinute: data.value })} />
            </Labelled>
          </div>
          <Labelled label="Repositories" hint="Empty: all that it lists to these credentials" {...shown(problemOf("repositories"))}>
            <TagInput
              label="Repositories"
              values={form.repositories}
              placeholder="team/app"
              invalid={problemOf("repositories") !== undefined}
              onChange={(repositories) => change({ repositories })}
            />
          </Labelled>
        </>
      ) : null}
    </>
  );
}

function More({ form, change, problemOf }: FieldsProps) {
  const tags = (field: "aliases" | "tokenRealms" | "redirectHosts", label: string, hint: string, placeholder: string) => (
    <Labelled label={label} hint={hint} {...shown(problemOf(field))}>
      <TagInput label={label} values={form[field]} placeholder={placeholder} invalid={problemOf(field) !== undefined} onChange={(values) => change({ [field]: values })} />
    </Labelled>
  );
  return (
    <div className={styles["form"]}>
      {tags("aliases", "Other names", "Mirrors and caches with the same content: HOST or HOST/PATH", "mirror.example.com")}
      {tags("tokenRealms", "Token servers", "Other hosts that may see its credentials", "auth.example.com")}
      {tags("redirectHosts", "Blob stores", "Other hosts that its blobs may come from at private addresses", "storage.example.com")}
      <Labelled label="Certificate authorities" hint="PEM, trusted besides the system’s own" {...shown(problemOf("ca"))}>
        <Textarea
          className={styles["pemInput"] ?? ""}
          rows={4}
          resize="vertical"
          spellCheck={false}
          value={form.ca}
          placeholder="-----BEGIN CERTIFICATE-----"
          onChange={(_, data) => change({ ca: data.value })}
        />
      </Labelled>
    </div>
  );
}
