/** Where in the editor a field stands that the hub found wrong: `rule.configuration.exemptions[2].value`. */

import { bodyOf, type RuleForm } from "./form";
import { tabOf, type Problems, type Tab } from "./validate";

export interface Refusal {
  tab: Tab;
  problems: Problems;
}

const SIMPLE: Readonly<Record<string, string>> = {
  "rule.name": "name",
  "rule.description": "description",
  "rule.scopeName": "scopeName",
  "rule.configuration": "conditions",
  "rule.configuration.maximumVaFileAge": "maxAge",
};

/** Returns what to show beside which field; undefined: it has no place of its own. */
export function refusalOf(field: string, detail: string, form: RuleForm): Refusal | undefined {
  const name = placeOf(field, form);
  return name ? { tab: tabOf(field), problems: { [name]: detail } } : undefined;
}

function placeOf(field: string, form: RuleForm): string | undefined {
  if (field.startsWith("cloudScope")) return "cloud";
  const scope = at(field, "rule.scope", form.scope);
  if (scope) return `scope.${scope.key}.${field.endsWith("matcherType") ? "matcher" : "values"}`;
  const severity = /^rule\.configuration\.maxAllowedSeverities\.(\w+)/.exec(field)?.[1];
  const kind = field.startsWith("rule.configuration.forbiddenCves") ? "forbidden" : severity;
  const condition = kind && form.conditions.find((row) => row.kind === kind);
  if (condition) return `condition.${condition.key}`;
  const registry = at(field, "rule.configuration.unsupportedRegistries", form.registries);
  if (registry) return `registry.${registry.key}`;
  return SIMPLE[field] ?? exemptionPlace(field, form);
}

/** Returns the row that an exemption of the body was made of: plain ids, told ones, then resources. */
function exemptionPlace(field: string, form: RuleForm): string | undefined {
  const { ignoredCves = [] } = bodyOf(form).rule.configuration;
  const plain = form.vulnerabilities.filter((row) => !row.timeBound && !row.reason && !row.addedBy);
  const told = form.vulnerabilities.filter((row) => !plain.includes(row));
  const ignored = at(field, "rule.configuration.ignoredCves", ignoredCves.length === plain.length ? plain : []);
  if (ignored) return `vulnerability.${ignored.key}.id`;
  const row = at(field, "rule.configuration.exemptions", [...told, ...form.resources]);
  if (!row) return undefined;
  const [kind, value] = "matcher" in row ? ["resource", "value"] : ["vulnerability", "id"];
  if (field.includes(".timeBound")) return `${kind}.${row.key}.endDate`;
  return `${kind}.${row.key}.${field.endsWith(".reason") ? "reason" : value}`;
}

/** Returns the row that `list[3]` at the beginning of `field` names. */
function at<R>(field: string, list: string, rows: readonly R[]): R | undefined {
  const place = field.startsWith(`${list}[`) ? /^\[(\d+)\]/.exec(field.slice(list.length))?.[1] : undefined;
  return place === undefined ? undefined : rows[Number(place)];
}
