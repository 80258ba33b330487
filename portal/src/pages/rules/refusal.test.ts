import { expect, it } from "vitest";

import { emptyForm, formOf, newExemption, type RuleForm } from "./form";
import { refusalOf } from "./refusal";

const TOLD = { ...newExemption(new Date("2026-11-23")), reason: "why" };
const FORM: RuleForm = {
  ...emptyForm(),
  name: "r",
  scope: [
    { key: 11, matcher: "pod", operator: "equals", values: ["a"] },
    { key: 12, matcher: "pod", operator: "equals", values: ["b"] },
  ],
  conditions: [
    { key: 21, kind: "high", count: "0", ids: [] },
    { key: 22, kind: "forbidden", count: "", ids: ["CVE-2024-1"] },
  ],
  vulnerabilities: [
    { ...TOLD, key: 31, id: "CVE-2024-2" },
    { ...TOLD, key: 32, id: "CVE-2024-3", reason: "" },
  ],
  resources: [{ ...TOLD, key: 41, matcher: "namespace", operator: "equals", value: "dev" }],
  registries: [{ key: 51, host: "docker.io" }],
};

it.each([
  ["rule.name", "details", "name"],
  ["rule.scope[1].anyOf", "details", "scope.12.values"],
  ["rule.scope[0].anyOf[3]", "details", "scope.11.values"],
  ["rule.scope[0].matcherType", "details", "scope.11.matcher"],
  ["cloudScope", "details", "cloud"],
  ["cloudScope.labels[0]", "details", "cloud"],
  ["rule.configuration", "conditions", "conditions"],
  ["rule.configuration.maximumVaFileAge", "conditions", "maxAge"],
  ["rule.configuration.maxAllowedSeverities.high", "conditions", "condition.21"],
  ["rule.configuration.forbiddenCves[0]", "conditions", "condition.22"],
  ["rule.configuration.ignoredCves[0]", "exemptions", "vulnerability.32.id"],
  ["rule.configuration.exemptions[0].value", "exemptions", "vulnerability.31.id"],
  ["rule.configuration.exemptions[0].timeBound.endDate", "exemptions", "vulnerability.31.endDate"],
  ["rule.configuration.exemptions[1].reason", "exemptions", "resource.41.reason"],
  ["rule.configuration.exemptions[1].value", "exemptions", "resource.41.value"],
  ["rule.configuration.unsupportedRegistries[0]", "exemptions", "registry.51"],
])("what the hub says of %s stands on the tab %s at %s", (field, tab, name) => {
  expect(refusalOf(field, "said", FORM)).toEqual({ tab, problems: { [name]: "said" } });
});

it.each(["rule", "rule.scope[9].anyOf", "rule.configuration.exemptions[9].value", "", "rule.configuration.maxAllowedSeverities.low"])(
  "what the hub says of %s has no place of its own",
  (field) => {
    expect(refusalOf(field, "said", formOf({ rule: { name: "r", action: "audit", configuration: {} }, cloudScope: {} }))).toBeUndefined();
  },
);
