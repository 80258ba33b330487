import {
  Button,
  Dropdown,
  Field,
  Input,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  MessageBar,
  MessageBarBody,
  Option,
  Switch,
} from "@fluentui/react-components";
import { DatePicker } from "@fluentui/react-datepicker-compat";
import { Add20Regular, Delete20Regular } from "@fluentui/react-icons";

import type { FocusEvent } from "react";

import { newExemption, newKey, type ResourceMatcher, type ResourceRow, type VulnerabilityRow } from "../form";
import { OPERATORS, type GlobOperator } from "../glob";
import type { Problems } from "../validate";
import { RESOURCES } from "../words";
import styles from "./Editor.module.css";
import { changeRow, dropRow, type TabProps } from "./tab";
import { useTouched, type Touched } from "./touched";

const EXAMPLES: Record<ResourceMatcher, string> = {
  registry: "registry.example.com",
  repository: "team/app",
  imageDigest: "sha256:…",
  deployment: "web",
  namespace: "sandbox",
  pod: "debug",
};

export function ExemptionsTab(props: TabProps) {
  const touched = useTouched(props.told);
  return (
    <div className={styles["form"]}>
      <Vulnerabilities {...props} touched={touched} />
      <Resources {...props} touched={touched} />
      <Registries {...props} />
      {props.problems["exemptions"] ? (
        <MessageBar intent="error">
          <MessageBarBody>{props.problems["exemptions"]}</MessageBarBody>
        </MessageBar>
      ) : null}
    </div>
  );
}

function Vulnerabilities({ form, change, problems, today, disabled, touched }: TabProps & { touched: Touched }) {
  const set = (vulnerabilities: VulnerabilityRow[]) => change({ vulnerabilities });
  const add = () => set([...form.vulnerabilities, { ...newExemption(new Date()), id: "" }]);
  return (
    <section aria-label="Vulnerability exemptions" className={styles["exemptions"]}>
      <h3 className={styles["heading"]}>Vulnerability exemptions</h3>
      <p className={styles["note"]}>They leave the count, aliases included, and stay visible in every event.</p>
      {form.vulnerabilities.map((row) => (
        <div key={row.key} className={styles["exemption"]} onBlur={(event) => leave(event, row, touched)}>
          <div className={styles["exemptionWhat"]}>
            <Field validationMessage={shown(row, touched) ? problems[`vulnerability.${row.key}.id`] : undefined} className={styles["values"] ?? ""}>
              <Input
                aria-label="Vulnerability"
                placeholder="CVE-2022-42004"
                value={row.id}
                disabled={disabled}
                onChange={(_, data) => set(changeRow(form.vulnerabilities, row.key, { id: data.value }))}
              />
            </Field>
          </div>
          <ExemptionFields
            kind="vulnerability"
            row={row}
            shown={shown(row, touched)}
            problems={problems}
            today={today}
            disabled={disabled}
            onChange={(part) => set(changeRow(form.vulnerabilities, row.key, part))}
            onRemove={() => set(dropRow(form.vulnerabilities, row.key))}
          />
        </div>
      ))}
      <Button appearance="subtle" className={styles["add"] ?? ""} icon={<Add20Regular />} disabled={disabled} onClick={add}>
        Add allowed vulnerabilities
      </Button>
    </section>
  );
}

function Resources({ form, change, problems, today, disabled, touched }: TabProps & { touched: Touched }) {
  const set = (resources: ResourceRow[]) => change({ resources });
  const add = (matcher: ResourceMatcher) =>
    set([...form.resources, { ...newExemption(new Date()), matcher, operator: "equals", value: "" }]);
  return (
    <section aria-label="Resource based exemptions" className={styles["exemptions"]}>
      <h3 className={styles["heading"]}>Resource based exemptions</h3>
      <p className={styles["note"]}>They take an image out of this rule; the rules below it still judge it.</p>
      {form.resources.map((row) => (
        <div key={row.key} className={styles["exemption"]} onBlur={(event) => leave(event, row, touched)}>
          <div className={styles["exemptionWhat"]}>
            <Dropdown
              aria-label="Resource"
              className={styles["resource"] ?? ""}
              disabled={disabled}
              value={RESOURCES[row.matcher]}
              selectedOptions={[row.matcher]}
              onOptionSelect={(_, data) =>
                set(changeRow(form.resources, row.key, { matcher: data.optionValue as ResourceMatcher }))
              }
            >
              {(Object.keys(RESOURCES) as ResourceMatcher[]).map((name) => (
                <Option key={name} value={name}>
                  {RESOURCES[name]}
                </Option>
              ))}
            </Dropdown>
            <Dropdown
              aria-label="Operator"
              className={styles["operator"] ?? ""}
              disabled={disabled}
              value={OPERATORS[row.operator]}
              selectedOptions={[row.operator]}
              onOptionSelect={(_, data) =>
                set(changeRow(form.resources, row.key, { operator: data.optionValue as GlobOperator }))
              }
            >
              {(Object.keys(OPERATORS) as GlobOperator[]).map((name) => (
                <Option key={name} value={name}>
                  {OPERATORS[name]}
                </Option>
              ))}
            </Dropdown>
            <Field validationMessage={shown(row, touched) ? problems[`resource.${row.key}.value`] : undefined} className={styles["values"] ?? ""}>
              <Input
                aria-label="Value"
                placeholder={EXAMPLES[row.matcher]}
                value={row.value}
                disabled={disabled}
                onChange={(_, data) => set(changeRow(form.resources, row.key, { value: data.value }))}
              />
            </Field>
          </div>
          <ExemptionFields
            kind="resource"
            row={row}
            shown={shown(row, touched)}
            problems={problems}
            today={today}
            disabled={disabled}
            onChange={(part) => set(changeRow(form.resources, row.key, part))}
            onRemove={() => set(dropRow(form.resources, row.key))}
          />
        </div>
      ))}
      <Menu>
        <MenuTrigger disableButtonEnhancement>
          <Button appearance="subtle" className={styles["add"] ?? ""} icon={<Add20Regular />} disabled={disabled}>
            Add exemption
          </Button>
        </MenuTrigger>
        <MenuPopover>
          <MenuList>
            {(Object.keys(RESOURCES) as ResourceMatcher[]).map((name) => (
              <MenuItem key={name} onClick={() => add(name)}>
                {RESOURCES[name]}
              </MenuItem>
            ))}
          </MenuList>
        </MenuPopover>
      </Menu>
    </section>
  );
}

function Registries({ form, change, problems, disabled }: TabProps) {
  return (
    <section aria-label="Registries without findings" className={styles["exemptions"]}>
      <h3 className={styles["heading"]}>Registries without findings</h3>
      <p className={styles["note"]}>
        An image from there without findings is no violation; one with findings is judged like any other.
        {form.action === "deny" && form.blockUnscanned && form.registries.length
          ? " Anyone can push to public registries: keep only those you trust."
          : ""}
      </p>
      {form.registries.map((row) => (
        <div key={row.key} className={styles["registryRow"]}>
          <span className={styles["registryWord"]}>Registry equals</span>
          <Field validationMessage={problems[`registry.${row.key}`]} className={styles["values"] ?? ""}>
            <Input
              aria-label="Registry"
              value={row.host}
              disabled={disabled}
              onChange={(_, data) => change({ registries: changeRow(form.registries, row.key, { host: data.value }) })}
            />
          </Field>
          <Button
            appearance="subtle"
            icon={<Delete20Regular />}
            aria-label={`Remove registry ${row.host}`}
            disabled={disabled}
            onClick={() => change({ registries: dropRow(form.registries, row.key) })}
          />
        </div>
      ))}
      <Button
        appearance="subtle"
        className={styles["add"] ?? ""}
        icon={<Add20Regular />}
        disabled={disabled}
        onClick={() => change({ registries: [...form.registries, { key: newKey(), host: "" }] })}
      >
        Add registry
      </Button>
    </section>
  );
}

interface FieldsProps {
  kind: "vulnerability" | "resource";
  row: VulnerabilityRow | ResourceRow;
  shown: boolean;
  problems: Problems;
  today: string;
  disabled: boolean;
  onChange: (part: { timeBound?: boolean; endDate?: string; reason?: string }) => void;
  onRemove: () => void;
}

/** How long an exemption holds and why: the same for both kinds. */
function ExemptionFields({ kind, row, shown, problems, today, disabled, onChange, onRemove }: FieldsProps) {
  const problem = (name: string) => problems[`${kind}.${row.key}.${name}`];
  return (
    <div className={styles["exemptionHow"]}>
      <Switch
        label="Time bound"
        checked={row.timeBound}
        disabled={disabled}
        onChange={(_, data) => onChange({ timeBound: data.checked })}
      />
      {row.timeBound ? (
        <Field validationMessage={problem("endDate")} className={styles["until"] ?? ""}>
          <DatePicker
            aria-label="Valid until"
            placeholder="Valid until"
            disabled={disabled}
            minDate={localDate(today)}
            value={localDate(row.endDate) ?? null}
            formatDate={(date) => (date ? `until ${dateWords(date)}` : "")}
            onSelectDate={(date) => onChange({ endDate: date ? isoDate(date) : "" })}
          />
        </Field>
      ) : (
        <span className={styles["until"]}>No end</span>
      )}
      <Field validationMessage={shown ? problem("reason") : undefined} className={styles["reason"] ?? ""}>
        <Input
          aria-label="Reason"
          placeholder="Reason"
          value={row.reason}
          disabled={disabled}
          onChange={(_, data) => onChange({ reason: data.value })}
        />
      </Field>
      <Button
        appearance="subtle"
        icon={<Delete20Regular />}
        aria-label="Remove exemption"
        disabled={disabled}
        onClick={onRemove}
      />
      {row.addedBy ? <span className={styles["addedBy"]}>Added by {row.addedBy}</span> : null}
    </div>
  );
}

/** What was kept is checked at once, what is being written when it is left. */
const shown = (row: { key: number; isNew: boolean }, touched: Touched) => !row.isNew || touched.has(String(row.key));

function leave(event: FocusEvent<HTMLElement>, row: { key: number }, touched: Touched) {
  if (!event.currentTarget.contains(event.relatedTarget)) touched.add(String(row.key));
}

const words = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const dateWords = (date: Date): string => words.format(date);

/** The day that is written, as the date picker wants it: midnight of the reader's own time zone. */
function localDate(text: string): Date | undefined {
  const found = /^(\d{4})-(\d\d)-(\d\d)/.exec(text);
  return found ? new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3])) : undefined;
}

function isoDate(date: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
