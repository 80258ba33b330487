import { Button, Spinner } from "@fluentui/react-components";
import { useMemo } from "react";
import { stringify } from "yaml";

import { CodeBlock, DetailPanel, ErrorState } from "../../components";
import { plural } from "../../lib/format";
import { usePolicyObject } from "./data";
import type { RuleRecord } from "./form";

/** The rules, or the chosen ones, as the custom resource that drives a cluster without a hub too. */
export function PolicyObjectPanel({ only, onClose }: { only: readonly RuleRecord[]; onClose: () => void }) {
  const { data, error, isPending, refetch } = usePolicyObject();
  const text = useMemo(() => {
    if (!data) return "";
    const names = new Set(only.map((record) => record.rule.name));
    const rules = data.spec.vulnerabilityAssessmentGatedDeployment;
    const chosen = names.size ? rules.filter((rule) => names.has(rule.name)) : rules;
    return stringify(
      { ...data, spec: { ...data.spec, vulnerabilityAssessmentGatedDeployment: chosen } },
      { lineWidth: 0, version: "1.1" },
    );
  }, [data, only]);
  return (
    <DetailPanel
      title="As policy object"
      subtitle={`${only.length ? plural(only.length, "chosen rule") : "All rules"}, as kubectl apply takes them`}
      footer={<Button onClick={onClose}>Close</Button>}
      onClose={onClose}
    >
      {isPending ? <Spinner label="Loading" /> : null}
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {data ? <CodeBlock label="YAML" text={text} /> : null}
    </DetailPanel>
  );
}
