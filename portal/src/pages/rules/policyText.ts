import { stringify } from "yaml";

import type { Schemas } from "../../api/client";
import type { RuleRecord } from "./form";

/** Returns the policy object in YAML, with all of its rules or with the chosen ones alone. */
export function policyText(policy: Schemas["PolicyObjectV1"], only: readonly RuleRecord[]): string {
  const names = new Set(only.map((record) => record.rule.name));
  const rules = policy.spec.vulnerabilityAssessmentGatedDeployment;
  const chosen = names.size ? rules.filter((rule) => names.has(rule.name)) : rules;
  return stringify(
    { ...policy, spec: { ...policy.spec, vulnerabilityAssessmentGatedDeployment: chosen } },
    { lineWidth: 0, version: "1.1" },
  );
}
