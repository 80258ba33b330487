/** What is wrong with a rule in the editor, beside the field that is wrong. */

import { valueProblem } from "./glob";
import { globOperator, type ConditionRow, type RuleForm } from "./form";

export const TABS = ["details", "conditions", "exemptions"] as const;
export type Tab = (typeof TABS)[number];

const EXEMPTION_FIELDS = /^rule\.configuration\.(ignoredCves|exemptions|unsupportedRegistries)/;

/** Returns the tab on which a field of the API stands: `rule.configuration.forbiddenCves[3]`. */
export function tabOf(field: string): Tab {
  if (EXEMPTION_FIELDS.test(field)) return "exemptions";
  return field.startsWith("rule.configuration") ? "conditions" : "details";
}

/** Problems by field: `name`, `scope.3.values`; a row is named by its key. */
export type Problems = Readonly<Record<string, string>>;

interface Context {
  /** Names of all other rules. */
  names: readonly string[];
  /** The present day, UTC: `2026-11-23`. */
  today: string;
}

const MAX_LIMIT = 1_000_000;
const HOST = /^[A-Za-z0-9.[\]:-]+$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;

/** Returns the problems on each tab. */
export function validate(form: RuleForm, context: Context): Record<Tab, Problems> {
  return {
    details: found(details(form, context)),
    conditions: found(conditions(form)),
    exemptions: found(exemptions(form, context.today)),
  };
}

export const isEmpty = (problems: Problems): boolean => Object.keys(problems).length === 0;

type Entry = readonly [field: string, problem: string];

const found = (entries: Iterable<Entry>): Problems =>
  Object.fromEntries([...entries].filter(([, problem]) => problem));

function* details(form: RuleForm, { names }: Context): Generator<Entry> {
  yield ["name", nameProblem(form.name.trim(), names)];
  yield ["description", form.description.length > 1024 ? "1,024 characters at most" : ""];
  yield ["scopeName", form.scopeName.length > 256 ? "256 characters at most" : ""];
  for (const label of form.cloud.labels) {
    if (!label.includes("=")) yield ["cloud", `Label "${label}": want key=value`];
  }
  for (const row of form.scope) {
    if (!row.matcher) yield [`scope.${row.key}.matcher`, "Choose what to match"];
    yield [`scope.${row.key}.values`, valuesProblem(row.values, globOperator(row.operator), row.matcher)];
  }
}

function nameProblem(name: string, names: readonly string[]): string {
  if (!name) return "A name is required";
  if (name.length > 256) return "256 characters at most";
  return names.includes(name) ? "Another rule has this name" : "";
}

function valuesProblem(
  values: readonly string[],
  operator: Parameters<typeof valueProblem>[0],
  matcher: string,
): string {
  if (values.length === 0) return "A value is required";
  if (values.length > 200) return "200 values at most";
  const isLabel = matcher === "label" || matcher === "namespaceLabel";
  for (const value of values) {
    const problem = valueProblem(operator, value);
    if (problem) return values.length > 1 ? `${value || "empty"}: ${problem}` : problem;
    if (isLabel && operator === "equals" && !value.includes("=")) return "Want key=value";
  }
  return "";
}

function* conditions(form: RuleForm): Generator<Entry> {
  const kinds = form.conditions.map((row) => row.kind);
  for (const [place, row] of form.conditions.entries()) {
    const twice = kinds.indexOf(row.kind) !== place;
    yield [`condition.${row.key}`, twice ? "This condition is there already" : conditionProblem(row, form)];
  }
  if (form.conditions.length === 0 && !form.blockUnscanned) {
    yield ["conditions", "A rule needs a condition: add one, or block images without findings"];
  }
  yield ["maxAge", maxAgeProblem(form.maxAge)];
}

function conditionProblem(row: ConditionRow, form: RuleForm): string {
  if (row.kind === "forbidden") return idsProblem(row.ids) || contradiction(row.ids, form);
  if (!/^[0-9]+$/.test(row.count)) return "A whole number, 0 or more";
  return Number(row.count) > MAX_LIMIT ? "1,000,000 at most" : "";
}

function idsProblem(ids: readonly string[]): string {
  if (ids.length === 0) return "Name at least one vulnerability";
  if (ids.length > 1000) return "1,000 at most; split them over several rules";
  const odd = ids.find((id) => !ID.test(id) || id.length > 128);
  return odd ? `"${odd}" is no id like CVE-2022-42004` : "";
}

/** Forbidden wins over an exemption: whoever writes both means one of them. */
function contradiction(ids: readonly string[], form: RuleForm): string {
  const both = ids.find((id) => form.vulnerabilities.some((row) => sameId(row.id, id)));
  return both ? `${both} is exempted on the next tab, which would not count; remove one of the two` : "";
}

const sameId = (one: string, other: string): boolean => one.trim().toUpperCase() === other.trim().toUpperCase();

function maxAgeProblem(text: string): string {
  const match = /^([0-9]{1,6})[dhm]$/.exec(text);
  return match && Number(match[1]) > 0 ? "" : "A number and d, h or m, like 365d";
}

function* exemptions(form: RuleForm, today: string): Generator<Entry> {
  for (const row of form.vulnerabilities) {
    yield [`vulnerability.${row.key}.id`, idProblem(row.id, form)];
    yield* common("vulnerability", row, today);
  }
  for (const row of form.resources) {
    yield [`resource.${row.key}.value`, valueProblem(row.operator, row.value)];
    yield* common("resource", row, today);
  }
  const hosts = form.registries.map((row) => row.host.trim().toLowerCase());
  for (const [place, row] of form.registries.entries()) {
    const host = row.host.trim();
    if (!host) yield [`registry.${row.key}`, "A value is required"];
    else if (!HOST.test(host) || host.length > 261) yield [`registry.${row.key}`, "Want a host like docker.io"];
    else if (hosts.indexOf(host.toLowerCase()) !== place) yield [`registry.${row.key}`, "This host is there already"];
  }
  if (form.vulnerabilities.length + form.resources.length > 1000) {
    yield ["exemptions", "1,000 exemptions at most; split them over several rules"];
  }
}

function idProblem(id: string, form: RuleForm): string {
  const wanted = id.trim();
  if (!wanted) return "A value is required";
  if (!ID.test(wanted) || wanted.length > 128) return "Want an id like CVE-2022-42004";
  const same = (other: string) => sameId(other, wanted);
  if (form.conditions.some((row) => row.kind === "forbidden" && row.ids.some(same))) {
    return "This vulnerability is forbidden by the conditions, which wins; remove one of the two";
  }
  return form.vulnerabilities.filter((row) => same(row.id)).length > 1 ? "This exemption is there already" : "";
}

interface CommonRow {
  key: number;
  timeBound: boolean;
  endDate: string;
  reason: string;
  isNew: boolean;
}

function* common(kind: string, row: CommonRow, today: string): Generator<Entry> {
  if (row.timeBound) {
    const day = row.endDate.slice(0, 10);
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) yield [`${kind}.${row.key}.endDate`, "Choose a date"];
    else if (row.isNew && day < today) yield [`${kind}.${row.key}.endDate`, "This day is over"];
  }
  if (row.reason.length > 1024) yield [`${kind}.${row.key}.reason`, "1,024 characters at most"];
  else if (row.isNew && !row.reason.trim()) yield [`${kind}.${row.key}.reason`, "Say why"];
}
