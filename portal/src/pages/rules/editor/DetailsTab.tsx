import { Dropdown, Input, MessageBar, MessageBarBody, MessageBarTitle, Option, Textarea } from "@fluentui/react-components";

import { useClusterList } from "../../clusters/data";
import type { RuleForm } from "../form";
import { losingPods, nameSome, WINDOW_DAYS } from "../reAdmission";
import { useTouched } from "./touched";
import { CloudScopeFields } from "./CloudScopeFields";
import styles from "./Editor.module.css";
import { Row } from "./Row";
import { ScopeBuilder } from "./ScopeBuilder";
import type { TabProps } from "./tab";

export function DetailsTab(props: TabProps) {
  const { form, change, problems, record, disabled } = props;
  const touched = useTouched(record !== undefined || props.told);
  const isDefault = record?.isDefault ?? false;
  return (
    <div className={styles["form"]}>
      <Row
        label="Rule name"
        required
        problem={touched.has("name") ? problems["name"] : undefined}
        hint={isDefault ? "Clusters know the default rule by its name." : undefined}
      >
        <Input
          value={form.name}
          disabled={disabled || isDefault}
          maxLength={256}
          onBlur={() => touched.add("name")}
          onChange={(_, data) => change({ name: data.value })}
        />
      </Row>
      <Row
        label="Action"
        required
        hint={
          form.action === "deny"
            ? "What violates the rule is kept out of the cluster."
            : "What violates the rule is let in, with a warning and an event."
        }
      >
        <Dropdown
          value={form.action === "deny" ? "Deny" : "Audit"}
          selectedOptions={[form.action]}
          disabled={disabled}
          onOptionSelect={(_, data) => change({ action: data.optionValue === "deny" ? "deny" : "audit" })}
        >
          <Option value="audit">Audit</Option>
          <Option value="deny">Deny</Option>
        </Dropdown>
      </Row>
      {form.action === "deny" && (record?.rule.action !== "deny" || record.rule.enabled === false) ? <LosesPods form={form} /> : null}
      <Row label="Rule description" problem={problems["description"]}>
        <Textarea
          value={form.description}
          rows={3}
          resize="vertical"
          disabled={disabled}
          onChange={(_, data) => change({ description: data.value })}
        />
      </Row>

      <h3 className={styles["heading"]}>Scope</h3>
      <Row label="Scope name" problem={problems["scopeName"]} hint="How the list of rules calls what is chosen below.">
        <Input
          value={form.scopeName}
          disabled={disabled}
          placeholder="All resources"
          onChange={(_, data) => change({ scopeName: data.value })}
        />
      </Row>
      <CloudScopeFields {...props} disabled={disabled || isDefault} />
      <ScopeBuilder {...props} touched={touched} />
    </div>
  );
}

/** Said while a rule that did not deny before is made to: nothing has happened yet. */
function LosesPods({ form }: { form: RuleForm }) {
  const losing = losingPods([form.cloud], useClusterList().items);
  if (losing.length === 0) return null;
  return (
    <MessageBar intent="info" layout="multiline" className={styles["hint"] ?? ""}>
      <MessageBarBody>
        <MessageBarTitle>It judges pods that are made anew, too</MessageBarTitle>
        In {nameSome(losing.map(({ name }) => name))} workloads would lose pods on a restart after a new finding. Recommended: let their
        own pods come back for {WINDOW_DAYS} days (<code>reAdmission: Audit</code>) while this rule is new; the page of rules shows how.
      </MessageBarBody>
    </MessageBar>
  );
}
