import type { CloudScope, ConditionKind, MatcherType, ResourceMatcher, Rule } from "./form";
import { isEverywhere } from "./form";

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
    .map((entry) => `${MATCHERS[entry.matcherType]} ${entry.operator === "NotIn" ? "not " : ""}${entry.anyOf.join(", ")}`)
    .join("; ");
}
