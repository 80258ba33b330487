import { ActionBadge, Essentials, StatusBadge, type Fact } from "../../components";
import { formOf, type Rule } from "../rules/form";
import { CONDITIONS, MATCHERS, matchWords } from "../rules/words";
import styles from "./Monitoring.module.css";

/** A rule as it was when it decided. */
export function RuleSnapshot({ rule }: { rule: Rule }) {
  const form = formOf({ rule, cloudScope: {} });
  const { configuration } = rule;
  const conditions: Fact[] = form.conditions.map((row) => ({
    name: CONDITIONS[row.kind],
    value: row.kind === "forbidden" ? `any of ${row.ids.join(", ")}` : `higher than ${row.count}`,
  }));
  const scope: Fact[] = (rule.scope ?? []).map((entry) => ({
    name: MATCHERS[entry.matcherType],
    value: matchWords(entry),
  }));
  const exemptions = [...(configuration.ignoredCves ?? []), ...(configuration.exemptions ?? []).map((e) => e.value)];
  return (
    <div className={styles["snapshot"]}>
      <Essentials
        columns={1}
        facts={[
          { name: "Action", value: <ActionBadge action={rule.action} /> },
          ...(rule.scopeName || !scope.length ? [{ name: "Scope name", value: rule.scopeName || "All resources" }] : []),
          ...scope,
        ]}
      />
      <h4 className={styles["small"]}>Scan conditions</h4>
      <StatusBadge tone={form.blockUnscanned ? "good" : "neutral"}>
        {form.blockUnscanned
          ? "Block all deployments with missing artifacts"
          : "Deployments with missing artifacts are not blocked"}
      </StatusBadge>
      <h4 className={styles["small"]}>Rule conditions</h4>
      {conditions.length ? (
        <Essentials columns={1} facts={conditions} />
      ) : (
        <p className={styles["none"]}>No threshold and no forbidden vulnerability.</p>
      )}
      <h4 className={styles["small"]}>Exemptions</h4>
      <p className={exemptions.length ? styles["paragraph"] : styles["none"]}>
        {exemptions.length ? exemptions.join(", ") : "None."}
      </p>
    </div>
  );
}
