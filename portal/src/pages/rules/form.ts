/** A rule as the editor holds it, to and from the rule that the hub keeps: nothing may be lost. */

import type { Schemas } from "../../api/client";
import { conditionOf, globOf, type GlobOperator } from "./glob";

export type Rule = Schemas["RuleV1"];
export type RuleRecord = Schemas["RuleRecordV1"];
export type CloudScope = Schemas["CloudScopeV1"];
export type MatcherType = Schemas["MatcherType"];
export type ResourceMatcher = NonNullable<Schemas["ExemptionV1"]["matcherType"]>;

export type ScopeOperator = GlobOperator | "notEquals" | "notMatches";

export interface ScopeRow {
  key: number;
  matcher: MatcherType | "";
  operator: ScopeOperator;
  values: string[];
}

export const SEVERITY_KINDS = ["critical", "high", "medium", "low", "unknown"] as const;
export type SeverityKind = (typeof SEVERITY_KINDS)[number];
export type ConditionKind = SeverityKind | "forbidden";

export interface ConditionRow {
  key: number;
  kind: ConditionKind;
  /** For a severity: the largest count that is allowed, as typed. */
  count: string;
  /** For forbidden vulnerabilities: their ids. */
  ids: string[];
}

interface ExemptionRow {
  key: number;
  timeBound: boolean;
  endDate: string;
  reason: string;
  addedBy: string;
  /** Made in this editor: must carry a reason. */
  isNew: boolean;
}

export interface VulnerabilityRow extends ExemptionRow {
  id: string;
}

export interface ResourceRow extends ExemptionRow {
  matcher: ResourceMatcher;
  operator: GlobOperator;
  value: string;
}

export interface RegistryRow {
  key: number;
  host: string;
}

export interface RuleForm {
  name: string;
  description: string;
  action: Schemas["Action"];
  enabled: boolean;
  scopeName: string;
  cloud: Required<CloudScope>;
  scope: ScopeRow[];
  blockUnscanned: boolean;
  conditions: ConditionRow[];
  onStale: "" | "violate" | "ignore";
  onUnavailable: "violate" | "ignore";
  maxAge: string;
  vulnerabilities: VulnerabilityRow[];
  resources: ResourceRow[];
  registries: RegistryRow[];
}

export const DEFAULT_REGISTRIES = ["docker.io", "mcr.microsoft.com", "public.ecr.aws", "gcr.io", "jfrog.io"];

const DEFAULT_MAX_AGE = "365d";

let lastKey = 0;
/** Returns a key that no row has yet. */
export const newKey = (): number => (lastKey += 1);

export const isEverywhere = (cloud: CloudScope): boolean =>
  [cloud.providers, cloud.accounts, cloud.clusters, cloud.labels].every((list) => !list?.length);

/** Returns the form of a rule that is not there yet. */
export function emptyForm(): RuleForm {
  return {
    name: "",
    description: "",
    action: "audit",
    enabled: true,
    scopeName: "",
    cloud: { providers: [], accounts: [], clusters: [], labels: [] },
    scope: [],
    blockUnscanned: false,
    conditions: [{ key: newKey(), kind: "high", count: "0", ids: [] }],
    onStale: "",
    onUnavailable: "violate",
    maxAge: DEFAULT_MAX_AGE,
    vulnerabilities: [],
    resources: [],
    registries: DEFAULT_REGISTRIES.map(registryRow),
  };
}

/** Returns the form of a rule that the hub keeps. */
export function formOf({ rule, cloudScope }: Pick<RuleRecord, "rule" | "cloudScope">): RuleForm {
  const configuration = rule.configuration;
  const exemptions = configuration.exemptions ?? [];
  return {
    name: rule.name,
    description: rule.description ?? "",
    action: rule.action,
    enabled: rule.enabled ?? true,
    scopeName: rule.scopeName ?? "",
    cloud: {
      providers: cloudScope.providers ?? [],
      accounts: cloudScope.accounts ?? [],
      clusters: cloudScope.clusters ?? [],
      labels: cloudScope.labels ?? [],
    },
    scope: (rule.scope ?? []).map(scopeRow),
    blockUnscanned: configuration.blockUnscannedImages ?? false,
    conditions: conditionRows(configuration),
    onStale: configuration.onStale ?? "",
    onUnavailable: configuration.onUnavailable ?? "violate",
    maxAge: configuration.maximumVaFileAge ?? DEFAULT_MAX_AGE,
    vulnerabilities: [
      ...(configuration.ignoredCves ?? []).map((id) => ({ ...plainExemption(), id })),
      ...exemptions.filter((e) => !e.matcherType).map((e) => ({ ...exemptionRow(e), id: e.value })),
    ],
    resources: exemptions.flatMap((e) =>
      e.matcherType ? [{ ...exemptionRow(e), matcher: e.matcherType, ...conditionOf(e.value) }] : [],
    ),
    registries: (configuration.unsupportedRegistries ?? DEFAULT_REGISTRIES).map(registryRow),
  };
}

/** Returns what the hub is to keep; only a form without problems means anything. */
export function bodyOf(form: RuleForm): Schemas["RuleWriteV1"] {
  const { cloud } = form;
  return {
    rule: ruleOf(form),
    cloudScope: {
      ...(cloud.providers.length ? { providers: cloud.providers } : {}),
      ...(cloud.accounts.length ? { accounts: cloud.accounts } : {}),
      ...(cloud.clusters.length ? { clusters: cloud.clusters } : {}),
      ...(cloud.labels.length ? { labels: cloud.labels } : {}),
    },
  };
}

function ruleOf(form: RuleForm): Rule {
  const forbidden = form.conditions.flatMap((row) => (row.kind === "forbidden" ? row.ids : []));
  const severities = Object.fromEntries(
    form.conditions.flatMap((row) => (row.kind === "forbidden" ? [] : [[row.kind, Number(row.count)]])),
  );
  const plain = form.vulnerabilities.filter((row) => !row.timeBound && !row.reason && !row.addedBy);
  const told = form.vulnerabilities.filter((row) => !plain.includes(row));
  return {
    name: form.name.trim(),
    action: form.action,
    enabled: form.enabled,
    description: form.description,
    scopeName: form.scopeName.trim(),
    scope: form.scope.map(scopeEntry),
    configuration: {
      maxAllowedSeverities: severities,
      blockUnscannedImages: form.blockUnscanned,
      ...(form.onStale ? { onStale: form.onStale } : {}),
      onUnavailable: form.onUnavailable,
      maximumVaFileAge: form.maxAge,
      forbiddenCves: forbidden,
      ignoredCves: plain.map((row) => row.id.trim()),
      exemptions: [
        ...told.map((row) => exemption(row, row.id.trim())),
        ...form.resources.map((row) => exemption(row, globOf(row.operator, row.value), row.matcher)),
      ],
      unsupportedRegistries: form.registries.map((row) => row.host.trim()),
    },
  };
}

function scopeRow(entry: Schemas["ScopeEntryV1"]): ScopeRow {
  const found = entry.anyOf.map(conditionOf);
  const operators = new Set(found.map(({ operator }) => operator));
  const only = operators.size === 1 ? found[0]?.operator : undefined;
  const key = newKey();
  const values = found.map(({ value }) => value);
  if (entry.operator === "NotIn") {
    return only === "equals"
      ? { key, matcher: entry.matcherType, operator: "notEquals", values }
      : { key, matcher: entry.matcherType, operator: "notMatches", values: entry.anyOf };
  }
  return only
    ? { key, matcher: entry.matcherType, operator: only, values }
    : { key, matcher: entry.matcherType, operator: "matches", values: entry.anyOf };
}

/** Returns how the values of a scope row are read as globs. */
export function globOperator(operator: ScopeOperator): GlobOperator {
  if (operator === "notEquals") return "equals";
  return operator === "notMatches" ? "matches" : operator;
}

function scopeEntry(row: ScopeRow): Schemas["ScopeEntryV1"] {
  const operator = globOperator(row.operator);
  return {
    matcherType: row.matcher as MatcherType,
    anyOf: row.values.map((value) => globOf(operator, value)),
    operator: operator === row.operator ? "In" : "NotIn",
  };
}

function conditionRows(configuration: Rule["configuration"]): ConditionRow[] {
  const limits = configuration.maxAllowedSeverities ?? {};
  const severities = SEVERITY_KINDS.flatMap((kind) => {
    const limit = limits[kind];
    return limit === undefined ? [] : [{ key: newKey(), kind, count: String(limit), ids: [] }];
  });
  const forbidden = configuration.forbiddenCves ?? [];
  const listed = forbidden.length
    ? [{ key: newKey(), kind: "forbidden" as const, count: "", ids: forbidden }]
    : [];
  return [...severities, ...listed];
}

function plainExemption(): ExemptionRow {
  return { key: newKey(), timeBound: false, endDate: "", reason: "", addedBy: "", isNew: false };
}

/** Returns an exemption that is being written; it ends after the time that most fixes take. */
export function newExemption(today: Date): ExemptionRow {
  const end = new Date(today.getTime() + 30 * 86_400_000);
  return { ...plainExemption(), endDate: end.toISOString().slice(0, 10), isNew: true };
}

function exemptionRow(found: Schemas["ExemptionV1"]): ExemptionRow {
  return {
    ...plainExemption(),
    timeBound: found.type === "timeBased",
    endDate: found.timeBound?.endDate ?? "",
    reason: found.reason ?? "",
    addedBy: found.addedBy ?? "",
  };
}

function exemption(row: ExemptionRow, value: string, matcherType?: ResourceMatcher): Schemas["ExemptionV1"] {
  return {
    type: row.timeBound ? "timeBased" : "permanent",
    value,
    ...(matcherType ? { matcherType } : {}),
    ...(row.timeBound ? { timeBound: { endDate: row.endDate } } : {}),
    ...(row.reason ? { reason: row.reason } : {}),
    ...(row.addedBy ? { addedBy: row.addedBy } : {}),
  };
}

function registryRow(host: string): RegistryRow {
  return { key: newKey(), host };
}
