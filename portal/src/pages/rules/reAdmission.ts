import type { Schemas } from "../../api/client";
import type { CloudScope, RuleRecord } from "./form";
import { reaches } from "./reach";

type Cluster = Schemas["ClusterV1"];
export type ReAdmission = NonNullable<Schemas["ProtectionV1"]["reAdmission"]>;

/** For so long a workload's own pods come back after its image was first judged bad. */
export const WINDOW_DAYS = 14;
const DAY_MS = 86_400_000;

/** The object that says so; the hub's own objects say nothing about it, and leave it alone. */
export const OBJECT = `apiVersion: tidegate.io/v1alpha1
kind: SecurityArtifactPolicy
metadata: {name: re-admission}
spec:
  reAdmission: Audit
  vulnerabilityAssessmentGatedDeployment: []
`;

/** Returns the deny rules in force that are new, or were changed of late. */
export function newDenyRules(rules: readonly RuleRecord[], now: Date): RuleRecord[] {
  const since = now.getTime() - WINDOW_DAYS * DAY_MS;
  return rules.filter(({ rule, updatedAt }) => rule.action === "deny" && rule.enabled !== false && Date.parse(updatedAt) > since);
}

/** Returns the clusters that one of these scopes reaches and where own pods do not come back. */
export function losingPods(scopes: readonly CloudScope[], clusters: readonly Cluster[]): Cluster[] {
  return clusters.filter(
    (cluster) => losesPods(cluster.protection?.reAdmission) && cluster.gating !== "Off" && scopes.some((scope) => reaches(scope, cluster)),
  );
}

/** An agent that says nothing of it sees no cluster, or is an older one: nothing is known then. */
const losesPods = (told: ReAdmission | undefined): boolean => told === "Enforce" || told === "Audit without an index";

const NAMED = 3;

/** Returns `a`, `a and b`, `a, b, c and 4 more clusters`. */
export function nameSome(names: readonly string[]): string {
  const rest = names.length - NAMED;
  const shown = names.slice(0, NAMED);
  if (rest > 0) return `${shown.join(", ")} and ${rest} more ${rest === 1 ? "cluster" : "clusters"}`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : (shown[0] ?? "");
}
