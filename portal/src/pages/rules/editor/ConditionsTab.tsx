import { Button, Dropdown, Field, Input, MessageBar, MessageBarBody, Option, Switch } from "@fluentui/react-components";
import { Add20Regular, Delete20Regular } from "@fluentui/react-icons";

import { TagInput } from "../../../components";
import { SEVERITY_KINDS, newKey, type ConditionKind, type ConditionRow } from "../form";
import { CONDITIONS } from "../words";
import styles from "./Editor.module.css";
import { Row } from "./Row";
import { changeRow, dropRow, type TabProps } from "./tab";

const KINDS: readonly ConditionKind[] = [...SEVERITY_KINDS, "forbidden"];
const STALE_WORDS = { "": "As for missing findings", violate: "Is a violation", ignore: "Judge what is there" };
const UNAVAILABLE_WORDS = { violate: "Is a violation", ignore: "Is let in" };

export function ConditionsTab({ form, change, problems, disabled }: TabProps) {
  const set = (conditions: ConditionRow[]) => change({ conditions });
  const unused = KINDS.filter((kind) => !form.conditions.some((row) => row.kind === kind));
  const add = () => {
    const kind = unused.find((name) => name === "high") ?? unused[0];
    if (kind) set([...form.conditions, { key: newKey(), kind, count: "0", ids: [] }]);
  };
  const unknownOpen =
    form.action === "deny" &&
    form.conditions.some((row) => row.kind !== "forbidden") &&
    !form.conditions.some((row) => row.kind === "unknown");
  return (
    <div className={styles["form"]}>
      <h3 className={styles["heading"]}>Scan conditions</h3>
      <Switch
        checked={form.blockUnscanned}
        disabled={disabled}
        label="Block all deployments with missing artifacts"
        onChange={(_, data) => change({ blockUnscanned: data.checked })}
      />
      <p className={styles["note"]}>
        An image without a verified findings artifact violates the rule. A new image may be refused until its scan is
        done.
      </p>
      <h3 className={styles["heading"]}>Rule conditions</h3>
      <p className={styles["note"]}>
        Any one that is met is a violation. A threshold counts vulnerabilities of its severity and above.
      </p>
      {form.conditions.map((row) => (
        <ConditionFields
          key={row.key}
          row={row}
          kinds={KINDS.filter((kind) => kind === row.kind || unused.includes(kind))}
          problem={problems[`condition.${row.key}`]}
          disabled={disabled}
          onChange={(part) => set(changeRow(form.conditions, row.key, part))}
          onRemove={() => set(dropRow(form.conditions, row.key))}
        />
      ))}
      {problems["conditions"] ? (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{problems["conditions"]}</MessageBarBody>
        </MessageBar>
      ) : null}
      <Button
        appearance="subtle"
        className={styles["add"] ?? ""}
        icon={<Add20Regular />}
        disabled={disabled || unused.length === 0}
        onClick={add}
      >
        Add condition
      </Button>
      {unknownOpen ? (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>
            Vulnerabilities of unknown severity are not limited: an image with any number of them is let in.
          </MessageBarBody>
        </MessageBar>
      ) : null}
      <h3 className={styles["heading"]}>Age and failures</h3>
      <Row label="Findings are current for" problem={problems["maxAge"]} hint={problems["maxAge"] ? undefined : "A number and d, h or m, like 365d."}>
        <Input
          value={form.maxAge}
          disabled={disabled}
          className={styles["short"] ?? ""}
          onChange={(_, data) => change({ maxAge: data.value.trim() })}
        />
      </Row>
      <Row label="Older findings">
        <Dropdown
          disabled={disabled}
          value={STALE_WORDS[form.onStale]}
          selectedOptions={[form.onStale]}
          onOptionSelect={(_, data) => change({ onStale: (data.optionValue ?? "") as typeof form.onStale })}
        >
          {Object.entries(STALE_WORDS).map(([value, text]) => (
            <Option key={value} value={value}>
              {text}
            </Option>
          ))}
        </Dropdown>
      </Row>
      <Row
        label="Findings out of reach"
        hint={
          form.onUnavailable === "ignore"
            ? "While the registry does not answer, images with unknown findings are let in."
            : "Registry down, too slow or over a limit."
        }
      >
        <Dropdown
          disabled={disabled}
          value={UNAVAILABLE_WORDS[form.onUnavailable]}
          selectedOptions={[form.onUnavailable]}
          onOptionSelect={(_, data) => change({ onUnavailable: data.optionValue === "ignore" ? "ignore" : "violate" })}
        >
          <Option value="violate">{UNAVAILABLE_WORDS.violate}</Option>
          <Option value="ignore">{UNAVAILABLE_WORDS.ignore}</Option>
        </Dropdown>
      </Row>
    </div>
  );
}

interface ConditionProps {
  row: ConditionRow;
  kinds: readonly ConditionKind[];
  problem: string | undefined;
  disabled: boolean;
  onChange: (part: Partial<ConditionRow>) => void;
  onRemove: () => void;
}

function ConditionFields({ row, kinds, problem, disabled, onChange, onRemove }: ConditionProps) {
  const forbidden = row.kind === "forbidden";
  return (
    <div className={styles["conditionRow"]}>
      <Dropdown
        aria-label="Condition"
        className={styles["kind"] ?? ""}
        disabled={disabled}
        value={CONDITIONS[row.kind]}
        selectedOptions={[row.kind]}
        onOptionSelect={(_, data) => onChange({ kind: data.optionValue as ConditionKind })}
      >
        {kinds.map((kind) => (
          <Option key={kind} value={kind}>
            {CONDITIONS[kind]}
          </Option>
        ))}
      </Dropdown>
      <span className={styles["than"]}>{forbidden ? "Any of" : "Higher than"}</span>
      <Field validationMessage={problem} className={forbidden ? (styles["values"] ?? "") : (styles["short"] ?? "")}>
        {forbidden ? (
          <TagInput
            label="Forbidden vulnerabilities"
            placeholder="CVE-2021-44228"
            values={row.ids}
            disabled={disabled}
            invalid={problem !== undefined}
            onChange={(ids) => onChange({ ids })}
          />
        ) : (
          <Input
            aria-label="Allowed count"
            inputMode="numeric"
            value={row.count}
            disabled={disabled}
            onChange={(_, data) => onChange({ count: data.value.trim() })}
          />
        )}
      </Field>
      <Button
        appearance="subtle"
        icon={<Delete20Regular />}
        aria-label="Remove condition"
        disabled={disabled}
        onClick={onRemove}
      />
    </div>
  );
}
