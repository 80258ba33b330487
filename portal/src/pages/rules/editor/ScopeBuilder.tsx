import { Button, Dropdown, Field, Option } from "@fluentui/react-components";
import { Add16Regular, Delete16Regular, Dismiss16Regular } from "@fluentui/react-icons";

import { TagInput } from "../../../components";
import { newKey, type MatcherType, type ScopeOperator, type ScopeRow } from "../form";
import { OPERATORS } from "../glob";
import { MATCHERS } from "../words";
import styles from "./Editor.module.css";
import { changeRow, dropRow, type TabProps } from "./tab";
import type { Touched } from "./touched";

const SCOPE_OPERATORS: Record<ScopeOperator, string> = {
  equals: OPERATORS.equals,
  notEquals: "Not equals",
  startsWith: OPERATORS.startsWith,
  endsWith: OPERATORS.endsWith,
  contains: OPERATORS.contains,
  matches: OPERATORS.matches,
  notMatches: "Does not match pattern",
};

const EXAMPLES: Record<MatcherType, string> = {
  namespace: "payments",
  cluster: "prod-1",
  label: "app=web",
  namespaceLabel: "env=prod",
  deployment: "web",
  workload: "StatefulSet/db",
  pod: "gate",
  image: "registry.example.com/team/app",
  serviceAccount: "builder",
};

/** The conditions on where a rule applies: all must hold, of the values of each any. */
export function ScopeBuilder({ form, change, problems, disabled, touched }: TabProps & { touched: Touched }) {
  const set = (scope: ScopeRow[]) => change({ scope });
  const add = () => set([...form.scope, { key: newKey(), matcher: "", operator: "equals", values: [] }]);
  return (
    <section className={styles["builder"]} aria-label="Resource scope">
      <div className={styles["builderHead"]}>
        <span className={styles["builderRoot"]}>Containers of the chosen clusters</span>
        <Button appearance="primary" size="small" icon={<Add16Regular />} disabled={disabled} onClick={add}>
          Add condition
        </Button>
        <Button
          appearance="subtle"
          size="small"
          className={styles["clear"] ?? ""}
          icon={<Delete16Regular />}
          disabled={disabled || form.scope.length === 0}
          onClick={() => set([])}
        >
          Clear all
        </Button>
      </div>
      {form.scope.length === 0 ? (
        <p className={styles["builderEmpty"]}>Without conditions the rule applies to every container there.</p>
      ) : (
        <ol className={styles["branches"]}>
          {form.scope.map((row, place) => (
            <li key={row.key} className={styles["branch"]}>
              <ScopeRowFields
                row={row}
                word={place ? "And" : "That"}
                disabled={disabled}
                matcherProblem={touched.has(`scope.${row.key}`) ? problems[`scope.${row.key}.matcher`] : undefined}
                valuesProblem={
                  touched.has(`scope.${row.key}`) || row.values.length ? problems[`scope.${row.key}.values`] : undefined
                }
                onChange={(part) => set(changeRow(form.scope, row.key, part))}
                onRemove={() => set(dropRow(form.scope, row.key))}
                onLeave={() => touched.add(`scope.${row.key}`)}
              />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

interface RowProps {
  row: ScopeRow;
  word: string;
  disabled: boolean;
  matcherProblem: string | undefined;
  valuesProblem: string | undefined;
  onChange: (part: Partial<ScopeRow>) => void;
  onRemove: () => void;
  onLeave: () => void;
}

function ScopeRowFields({ row, word, disabled, matcherProblem, valuesProblem, onChange, onRemove, onLeave }: RowProps) {
  return (
    <div
      className={styles["scopeRow"]}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) onLeave();
      }}
    >
      <span className={styles["word"]}>{word}</span>
      <Field validationMessage={matcherProblem} className={styles["matcher"] ?? ""}>
        <Dropdown
          aria-label="Matcher type"
          placeholder="Select a matcher type"
          disabled={disabled}
          value={row.matcher ? MATCHERS[row.matcher] : ""}
          selectedOptions={row.matcher ? [row.matcher] : []}
          onOptionSelect={(_, data) => onChange({ matcher: data.optionValue as MatcherType })}
        >
          {(Object.keys(MATCHERS) as MatcherType[]).map((name) => (
            <Option key={name} value={name}>
              {MATCHERS[name]}
            </Option>
          ))}
        </Dropdown>
      </Field>
      <Dropdown
        aria-label="Operator"
        className={styles["operator"] ?? ""}
        disabled={disabled}
        value={SCOPE_OPERATORS[row.operator]}
        selectedOptions={[row.operator]}
        onOptionSelect={(_, data) => onChange({ operator: data.optionValue as ScopeOperator })}
      >
        {(Object.keys(SCOPE_OPERATORS) as ScopeOperator[]).map((name) => (
          <Option key={name} value={name}>
            {SCOPE_OPERATORS[name]}
          </Option>
        ))}
      </Dropdown>
      <Field validationMessage={valuesProblem} className={styles["values"] ?? ""}>
        <TagInput
          label="Condition values"
          placeholder={row.matcher ? EXAMPLES[row.matcher] : "Enter a value"}
          values={row.values}
          disabled={disabled}
          invalid={valuesProblem !== undefined}
          onChange={(values) => onChange({ values })}
        />
      </Field>
      <Button
        appearance="subtle"
        icon={<Dismiss16Regular />}
        aria-label="Remove condition"
        disabled={disabled}
        onClick={onRemove}
      />
    </div>
  );
}
