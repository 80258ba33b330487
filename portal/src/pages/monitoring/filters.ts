import { spaced } from "../../lib/format";
import type { Range } from "../../lib/span";

export const DEFAULT_RANGE: Range = "24h";

export const REASONS = [
  "PolicyEvaluation",
  "ForbiddenCve",
  "MissingArtifact",
  "UnverifiableArtifact",
  "IncompleteReport",
  "StaleArtifact",
  "Unavailable",
  "ResourceExempted",
  "GatingOff",
  "BreakGlass",
  "ReAdmitted",
] as const;

export const FIELDS = {
  action: "Admission action",
  cluster: "Cluster",
  namespace: "Namespace",
  rule: "Rule name",
  image: "Image",
  kind: "Resource type",
  user: "User",
  reason: "Reason",
  origin: "Asked by",
} as const;

export const ORIGINS = { "api-server": "API server", direct: "Tidegate itself", rejudged: "Running, judged again" } as const;
export type Origin = keyof typeof ORIGINS;

export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

export type Filters = Partial<Record<FieldName | "search", string>>;

/** Returns the filters that an address asks for; what it does not know is left out. */
export function readFilters(params: URLSearchParams): Filters {
  const given = [...FIELD_NAMES, "search" as const].map((name) => [name, params.get(name) ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => value));
}

export function filterWords(name: FieldName, value: string): string {
  if (name === "origin") return value in ORIGINS ? ORIGINS[value as Origin] : value;
  if (name === "reason") return spaced(value);
  return name === "action" ? value.charAt(0).toUpperCase() + value.slice(1) : value;
}
