import { spaced } from "../../lib/format";

export const RANGES = {
  "1h": { text: "Last hour", seconds: 3_600 },
  "24h": { text: "Last 24 hours", seconds: 86_400 },
  "7d": { text: "Last 7 days", seconds: 7 * 86_400 },
  "30d": { text: "Last 30 days", seconds: 30 * 86_400 },
  all: { text: "All times", seconds: 0 },
} as const;

export type Range = keyof typeof RANGES;
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
} as const;

export type FieldName = keyof typeof FIELDS;
export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

export type Filters = Partial<Record<FieldName | "search", string>>;

/** Returns the filters that an address asks for; what it does not know is left out. */
export function readFilters(params: URLSearchParams): Filters {
  const given = [...FIELD_NAMES, "search" as const].map((name) => [name, params.get(name) ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => value));
}

export function readRange(params: URLSearchParams): Range {
  const asked = params.get("range") ?? "";
  return asked in RANGES ? (asked as Range) : DEFAULT_RANGE;
}

/** Returns the first instant of a range, undefined where it has none. */
export function sinceOf(range: Range, now: Date): string | undefined {
  const { seconds } = RANGES[range];
  return seconds ? new Date(now.getTime() - seconds * 1000).toISOString() : undefined;
}

export const filterWords = (name: FieldName, value: string): string =>
  name === "reason" ? spaced(value) : name === "action" ? value.charAt(0).toUpperCase() + value.slice(1) : value;
