import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Dismiss20Regular } from "@fluentui/react-icons";
import { useState } from "react";

import { plural } from "../../lib/format";
import { useNow } from "../../lib/now";
import { useClusterList } from "../clusters/data";
import type { RuleRecord } from "./form";
import { losingPods, nameSome, newDenyRules, WINDOW_DAYS } from "./reAdmission";
import styles from "./RulesTable.module.css";

/** Dismissed until another deny rule is new. */
const KEY = "tidegate.re-admission.dismissed";

/** Recommends `reAdmission: Audit` where deny rules are new and a cluster would lose pods to them. */
export function ReAdmissionBar({ rules, onShow }: { rules: readonly RuleRecord[]; onShow: () => void }) {
  const fresh = newDenyRules(rules, useNow());
  const clusters = useClusterList().items;
  const [dismissed, setDismissed] = useState(() => localStorage.getItem(KEY) ?? "");
  const newest = fresh.map(({ updatedAt }) => updatedAt).sort().at(-1) ?? "";
  const losing = losingPods(fresh.map(({ cloudScope }) => cloudScope), clusters);
  if (losing.length === 0 || newest <= dismissed) return null;
  const dismiss = () => {
    localStorage.setItem(KEY, newest);
    setDismissed(newest);
    document.getElementById("content")?.focus(); // the button that had it is gone
  };
  return (
    <MessageBar intent="info" layout="multiline" className={styles["bar"] ?? ""}>
      <MessageBarBody>
        <MessageBarTitle>{fresh.length === 1 ? "A deny rule is new" : `${plural(fresh.length, "deny rule")} are new`}</MessageBarTitle>
        In {nameSome(losing.map(({ name }) => name))} a workload that is admitted today loses its pods when a later finding makes
        its image bad and they are made anew, on a restart or a drain. Recommended while deny rules are new: let its own pods come
        back for {WINDOW_DAYS} days, with a warning each.
      </MessageBarBody>
      <MessageBarActions
        containerAction={<Button appearance="transparent" aria-label="Dismiss the recommendation" icon={<Dismiss20Regular />} onClick={dismiss} />}
      >
        <Button size="small" onClick={onShow}>
          Show how
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}
