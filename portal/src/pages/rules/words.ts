import type { Schemas } from "../../api/client";
import type { CloudScope, ConditionKind, MatcherType, ResourceMatcher, Rule } from "./form";
import { isEverywhere } from "./form";
import { OPERATORS, conditionOf } from "./glob";

export const MATCHERS: Record<MatcherType, string> = {
  namespace: "Namespace",
  cluster: "Cluster name",
  label: "Label",
  namespaceLabel: "Namespace label",
  deployment: "Deployment",
  workload: "Workload (Kind/name)",
  pod: "Pod name",
  image: "Image repository",
  serviceAccount: "Service account",
};

export const RESOURCES: Record<ResourceMatcher, string> = {
  registry: "Registry",
  repository: "Repository",
  imageDigest: "Image digest",
  deployment: "Deployment",
  namespace: "Namespace",
  pod: "Pod name",
};

export const CONDITIONS: Record<ConditionKind, string> = {
  critical: "Critical severity threshold",
  high: "High severity threshold",
  medium: "Medium severity threshold",
  low: "Low severity threshold",
  unknown: "Unknown severity threshold",
  forbidden: "Forbidden vulnerabilities",
};

export const MODES: Record<Schemas["EvaluationMode"], string> = { FirstMatch: "First match", Strictest: "Strictest" };

export const PROVIDERS = { azure: "Azure", aws: "AWS", gcp: "GCP", "on-premises": "On-premises" } as const;

/** Returns which clusters a rule reaches, in a few words. */
export function cloudWords(cloud: CloudScope): string {
  if (isEverywhere(cloud)) return "All clusters";
  const providers = (cloud.providers ?? []).map((name) => PROVIDERS[name]);
  const lists: [string, readonly string[]][] = [
    ["", providers],
    ["account ", cloud.accounts ?? []],
    ["cluster ", cloud.clusters ?? []],
    ["label ", cloud.labels ?? []],
  ];
  return lists
    .filter(([, values]) => values.length)
    .map(([what, values]) => what + values.join(", "))
    .join("; ");
}

/** Returns the name of a rule's scope, or what it says where it has no name. */
export function scopeWords(rule: Rule): string {
  if (rule.scopeName) return rule.scopeName;
  if (!rule.scope?.length) return "All resources";
  return rule.scope
    .map((entry) => `${MATCHERS[entry.matcherType]} ${matchWords(entry)}`)
    .join("; ");
}

/** Returns how a scope entry matches: `contains gate`, `not equals a, b`. */
export function matchWords(entry: { anyOf: readonly string[]; operator?: string }): string {
  const found = entry.anyOf.map(conditionOf);
  const operator = found.every((each) => each.operator === found[0]?.operator) ? found[0]?.operator : undefined;
  const values = operator ? found.map((each) => each.value) : entry.anyOf;
  return `${entry.operator === "NotIn" ? "not " : ""}${OPERATORS[operator ?? "matches"].toLowerCase()} ${values.join(", ")}`;
}
