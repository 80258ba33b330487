import { Checkbox } from "@fluentui/react-components";
import { useMemo } from "react";

import { Changes, CodeBlock, Section, StatusBadge, type Tone } from "../../components";
import { diff } from "../../lib/diff";
import { plural } from "../../lib/format";
import type { ImportedRule } from "./data";
import { isTakable, type Choice } from "./importing";
import styles from "./Import.module.css";

interface Props {
  rules: readonly ImportedRule[];
  chosen: Choice;
  onChoose: (chosen: Choice) => void;
}

const OUTCOMES: Record<ImportedRule["outcome"], { tone: Tone; text: string }> = {
  create: { tone: "good", text: "New" },
  update: { tone: "info", text: "Changed" },
  unchanged: { tone: "neutral", text: "Unchanged" },
  refused: { tone: "bad", text: "Refused" },
};

/** What would become of each rule of the file; those that change something can be chosen. */
export function ImportPreview({ rules, chosen, onChoose }: Props) {
  const toggle = (place: number) => {
    const next = new Set(chosen);
    if (!next.delete(place)) next.add(place);
    onChoose(next);
  };
  return (
    <ul className={styles["rules"]} aria-label="Rules of the file">
      {rules.map((rule, place) => (
        <li key={place} className={styles["rule"]}>
          <div className={styles["head"]}>
            <Checkbox
              checked={chosen.has(place)}
              disabled={!isTakable(rule)}
              aria-label={`Import ${rule.name || "rule without a name"}`}
              onChange={() => toggle(place)}
            />
            <span className={styles["name"]} title={rule.name}>
              {rule.name || "Without a name"}
            </span>
            <StatusBadge tone={OUTCOMES[rule.outcome].tone}>{OUTCOMES[rule.outcome].text}</StatusBadge>
          </div>
          <div className={styles["detail"]}>
            {rule.problem ? <p className={styles["problem"]}>{rule.problem}</p> : null}
            {rule.warnings?.map((warning) => (
              <p key={warning} className={styles["warning"]}>
                {warning}
              </p>
            ))}
            <What rule={rule} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function What({ rule }: { rule: ImportedRule }) {
  const changes = useMemo(() => (rule.outcome === "update" ? diff(rule.before, rule.after) : []), [rule]);
  if (rule.outcome === "create") {
    return (
      <>
        <p className={styles["note"]}>Placed above the default rule, for all clusters.</p>
        <Section title="The rule" open={false}>
          <CodeBlock text={JSON.stringify(rule.after, null, 2)} label={`rule ${rule.name}`} />
        </Section>
      </>
    );
  }
  if (rule.outcome !== "update") return null;
  return (
    <Section title={`${plural(changes.length, "field")} changed`} open={false}>
      <Changes changes={changes} />
    </Section>
  );
}
