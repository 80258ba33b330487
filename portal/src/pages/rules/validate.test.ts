import { describe, expect, it } from "vitest";

import { emptyForm, newExemption, type RuleForm } from "./form";
import { isEmpty, tabOf, validate } from "./validate";

const CONTEXT = { names: ["Taken"], today: "2026-11-23" };

const with_ = (part: Partial<RuleForm>): RuleForm => ({ ...emptyForm(), name: "r", ...part });
const exemption = () => ({ ...newExemption(new Date("2026-11-23T00:00:00Z")), id: "CVE-2022-42004", reason: "later" });
const values = (problems: Readonly<Record<string, string>>) => Object.values(problems);

describe("validation", () => {
  it("finds nothing wrong with a plain rule", () => {
    expect(Object.values(validate(with_({}), CONTEXT)).every(isEmpty)).toBe(true);
  });

  it.each<[string, Partial<RuleForm>, string]>([
    ["no name", { name: " " }, "A name is required"],
    ["a name twice", { name: "Taken" }, "Another rule has this name"],
    ["no matcher", { scope: [{ key: 1, matcher: "", operator: "equals", values: ["x"] }] }, "Choose what to match"],
    ["no value", { scope: [{ key: 1, matcher: "pod", operator: "equals", values: [] }] }, "A value is required"],
    ["a label without value", { scope: [{ key: 1, matcher: "label", operator: "equals", values: ["app"] }] }, "Want key=value"],
    ["a cluster label without value", { cloud: { providers: [], accounts: [], clusters: [], labels: ["x"] } }, `Label "x": want key=value`],
  ])("details: %s", (_, part, problem) => {
    expect(values(validate(with_(part), CONTEXT).details)).toEqual([problem]);
  });

  it.each<[string, Partial<RuleForm>, string]>([
    ["nothing at all", { conditions: [] }, "A rule needs a condition: add one, or block images without findings"],
    ["a negative count", { conditions: [{ key: 1, kind: "high", count: "-1", ids: [] }] }, "A whole number, 0 or more"],
    ["no ids", { conditions: [{ key: 1, kind: "forbidden", count: "", ids: [] }] }, "Name at least one vulnerability"],
    ["too many ids", { conditions: [{ key: 1, kind: "forbidden", count: "", ids: Array.from({ length: 10_000 }, (_, i) => `CVE-1-${i}`) }] }, "1,000 at most; split them over several rules"],
    ["no age", { maxAge: "0d" }, "A number and d, h or m, like 365d"],
  ])("conditions: %s", (_, part, problem) => {
    expect(values(validate(with_(part), CONTEXT).conditions)).toEqual([problem]);
  });

  it("takes a rule that only blocks what was not scanned", () => {
    expect(isEmpty(validate(with_({ conditions: [], blockUnscanned: true }), CONTEXT).conditions)).toBe(true);
  });

  it.each<[string, Partial<ReturnType<typeof exemption>>, string]>([
    ["no id", { id: "" }, "A value is required"],
    ["no reason", { reason: " " }, "Say why"],
    ["a day that is over", { timeBound: true, endDate: "2026-11-22" }, "This day is over"],
    ["no day", { timeBound: true, endDate: "" }, "Choose a date"],
  ])("exemptions: %s", (_, part, problem) => {
    const form = with_({ vulnerabilities: [{ ...exemption(), ...part }] });
    expect(values(validate(form, CONTEXT).exemptions)).toEqual([problem]);
  });

  it("takes today as the last day of an exemption", () => {
    const form = with_({ vulnerabilities: [{ ...exemption(), timeBound: true, endDate: "2026-11-23" }] });
    expect(isEmpty(validate(form, CONTEXT).exemptions)).toBe(true);
  });

  it("names a vulnerability that is forbidden and exempted", () => {
    const form = with_({
      conditions: [{ key: 1, kind: "forbidden", count: "", ids: ["cve-2022-42004"] }],
      vulnerabilities: [exemption()],
    });
    expect(values(validate(form, CONTEXT).exemptions)).toEqual([
      "This vulnerability is forbidden by the conditions, which wins; remove one of the two",
    ]);
    expect(values(validate(form, CONTEXT).conditions)).toEqual([
      "cve-2022-42004 is exempted on the next tab, which would not count; remove one of the two",
    ]);
  });

  it("leaves exemptions alone that are kept and over, so that the rule can be edited", () => {
    const kept = { ...exemption(), isNew: false, reason: "", timeBound: true, endDate: "2020-01-01" };
    expect(isEmpty(validate(with_({ vulnerabilities: [kept] }), CONTEXT).exemptions)).toBe(true);
  });
});

it.each([
  ["rule.name", "details"],
  ["rule.scope[0].anyOf", "details"],
  ["cloudScope.labels", "details"],
  ["rule.configuration.forbiddenCves[3]", "conditions"],
  ["rule.configuration.maximumVaFileAge", "conditions"],
  ["rule.configuration.ignoredCves", "exemptions"],
  ["rule.configuration.exemptions[0].timeBound.endDate", "exemptions"],
  ["rule.configuration.unsupportedRegistries[0]", "exemptions"],
])("%s stands on the tab %s", (field, tab) => {
  expect(tabOf(field)).toBe(tab);
});
