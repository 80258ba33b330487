import { Button, Checkbox, MessageBar, MessageBarBody, MessageBarTitle, Spinner } from "@fluentui/react-components";
import { DocumentArrowUp24Regular } from "@fluentui/react-icons";
import { useMemo, useRef, useState, type ChangeEvent, type DragEvent } from "react";

import { ApiError, type Schemas } from "../../api/client";
import { useTell } from "../../app/toasts";
import { DetailPanel } from "../../components";
import { plural } from "../../lib/format";
import { useSettings } from "../settings/data";
import { useImport, usePreview } from "./data";
import { chosenAtFirst, fileProblem, summary, type Choice } from "./importing";
import { ImportPreview } from "./ImportPreview";
import styles from "./Import.module.css";
import { MODES } from "./words";

interface Opened {
  name: string;
  content: string;
  result: Schemas["RuleImportResultV1"];
}

/** Takes over the rules of a file: first shows what would become of each, then saves those chosen. */
export function ImportPanel({ onClose }: { onClose: () => void }) {
  const [opened, setOpened] = useState<Opened | null>(null);
  const [chosen, setChosen] = useState<Choice>(new Set());
  const [withMode, setWithMode] = useState(false);
  const [problem, setProblem] = useState("");
  const preview = usePreview();
  const importing = useImport();
  const tell = useTell();

  const show = (name: string, content: string) =>
    preview.mutate(content, {
      onSuccess: (result) => {
        setOpened({ name, content, result });
        setChosen(chosenAtFirst(result.rules));
      },
      onError: () => setOpened(null),
    });
  const take = async (files: FileList | null) => {
    const found = fileProblem(files);
    setProblem(found);
    preview.reset();
    importing.reset();
    const file = files?.[0];
    if (found || !file) return;
    try {
      show(file.name, await file.text());
    } catch {
      setProblem(`${file.name} cannot be read; was it moved or changed?`);
    }
  };
  const save = () => {
    if (!opened) return;
    const { result, content } = opened;
    importing.mutate(
      {
        content,
        chosen: result.rules.flatMap(({ name, etag }, place) => (chosen.has(place) ? [{ name, etag: etag ?? "" }] : [])),
        evaluationMode: withMode ? (result.evaluationMode ?? null) : null,
      },
      {
        onSuccess: (done) => {
          tell("success", "Rules imported", summary(done.rules));
          onClose();
        },
      },
    );
  };
  const stale = importing.error instanceof ApiError && importing.error.status === 412;

  return (
    <DetailPanel
      width="wide"
      title="Import rules"
      subtitle={opened ? `${opened.name}: ${summary(opened.result.rules)}` : "From policy objects, our own or those of Microsoft Defender"}
      onClose={onClose}
      footer={
        <>
          <Button appearance="primary" disabled={!opened || (chosen.size === 0 && !withMode) || importing.isPending} onClick={save}>
            {chosen.size ? `Import ${plural(chosen.size, "rule")}` : "Import"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <div className={styles["panel"]}>
        <Picker small={opened !== null} busy={preview.isPending} onTake={(files) => void take(files)} />
        <Refusal text={problem || preview.error?.message || ""} title="The file cannot be used" />
        {importing.error ? (
          <MessageBar intent={stale ? "warning" : "error"} layout="multiline" role="alert">
            <MessageBarBody>
              <MessageBarTitle>Nothing was imported</MessageBarTitle>
              {importing.error.message}
            </MessageBarBody>
            {stale && opened ? (
              <Button
                size="small"
                onClick={() => {
                  importing.reset();
                  show(opened.name, opened.content);
                }}
              >
                Look again
              </Button>
            ) : null}
          </MessageBar>
        ) : null}
        {preview.isPending ? <Spinner label="Reading the file" /> : null}
        {opened && !preview.isPending ? (
          <>
            <Mode mode={opened.result.evaluationMode} checked={withMode} onChange={setWithMode} />
            <Told warnings={opened.result.warnings ?? []} />
            <ImportPreview rules={opened.result.rules} chosen={chosen} onChoose={setChosen} />
          </>
        ) : null}
      </div>
    </DetailPanel>
  );
}

interface PickerProps {
  /** Once a file is open, another one needs less room. */
  small: boolean;
  busy: boolean;
  onTake: (files: FileList | null) => void;
}

function Picker({ small, busy, onTake }: PickerProps) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const drag = (inside: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(inside);
  };
  return (
    <div
      className={[styles["picker"], small ? styles["small"] : "", over ? styles["over"] : ""].join(" ")}
      onDragOver={drag(true)}
      onDragLeave={drag(false)}
      onDrop={(event) => {
        drag(false)(event);
        onTake(event.dataTransfer.files);
      }}
    >
      <DocumentArrowUp24Regular aria-hidden />
      <span>Drop a YAML or JSON file here</span>
      <Button size={small ? "small" : "medium"} disabled={busy} onClick={() => input.current?.click()}>
        {small ? "Choose another file" : "Choose a file"}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="File of rules"
        accept=".yaml,.yml,.json,application/json,application/yaml"
        onChange={(event: ChangeEvent<HTMLInputElement>) => {
          onTake(event.target.files);
          event.target.value = ""; // so that the same file, changed meanwhile, can be chosen again
        }}
      />
    </div>
  );
}

function Refusal({ title, text }: { title: string; text: string }) {
  if (!text) return null;
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody>
        <MessageBarTitle>{title}</MessageBarTitle>
        {text}
      </MessageBarBody>
    </MessageBar>
  );
}

function Told({ warnings }: { warnings: readonly string[] }) {
  const lines = useMemo(() => [...new Set(warnings)], [warnings]);
  if (lines.length === 0) return null;
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        {lines.length === 1 ? (
          lines[0]
        ) : (
          <ul className={styles["lines"]}>
            {lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
      </MessageBarBody>
    </MessageBar>
  );
}

interface ModeProps {
  mode: Schemas["EvaluationMode"] | null | undefined;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

function Mode({ mode, checked, onChange }: ModeProps) {
  const { data: settings } = useSettings();
  if (!mode || !settings || mode === settings.evaluationMode) return null;
  return (
    <Checkbox
      checked={checked}
      label={`Set the evaluation to “${MODES[mode]}”, as the file says; it holds for all rules and clusters`}
      onChange={(_, data) => onChange(data.checked === true)}
    />
  );
}
