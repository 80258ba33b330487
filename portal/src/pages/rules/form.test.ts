import { describe, expect, it } from "vitest";

import { bodyOf, emptyForm, formOf, newExemption, type Rule } from "./form";

const FULL: Rule = {
  name: "Lab example",
  action: "deny",
  enabled: false,
  description: "An example",
  scopeName: "Test pods",
  scope: [
    { matcherType: "pod", anyOf: ["*gate*"], operator: "In" },
    { matcherType: "namespace", anyOf: ["kube-system", "infra"], operator: "NotIn" },
    { matcherType: "image", anyOf: ["a*", "*b"], operator: "In" },
    { matcherType: "label", anyOf: ["env=*"], operator: "NotIn" },
  ],
  configuration: {
    maxAllowedSeverities: { critical: 0, high: 3, unknown: 12 },
    blockUnscannedImages: true,
    onStale: "violate",
    onUnavailable: "ignore",
    maximumVaFileAge: "30d",
    forbiddenCves: ["CVE-2021-44228"],
    ignoredCves: ["CVE-1234-56789"],
    exemptions: [
      {
        type: "timeBased",
        value: "CVE-2022-42004",
        timeBound: { endDate: "2026-12-03" },
        reason: "fix scheduled",
        addedBy: "ada",
      },
      { type: "permanent", value: "kube-*", matcherType: "namespace" },
      { type: "timeBased", value: "*/demo*", matcherType: "repository", timeBound: { endDate: "2026-12-31" }, reason: "demo" },
    ],
    unsupportedRegistries: ["docker.io"],
  },
};

const SCOPE = { providers: ["aws" as const], accounts: ["42"], clusters: ["prod-*"], labels: ["env=prod"] };

describe("the form of a rule", () => {
  it("gives back the rule that was read, nothing lost", () => {
    expect(bodyOf(formOf({ rule: FULL, cloudScope: SCOPE }))).toEqual({ rule: FULL, cloudScope: SCOPE });
  });

  it("gives a rule of defaults for what the hub leaves out", () => {
    const form = formOf({ rule: { name: "r", action: "audit", configuration: {} }, cloudScope: {} });
    expect(form.enabled).toBe(true);
    expect(form.maxAge).toBe("365d");
    expect(form.registries.map((row) => row.host)).toContain("docker.io");
    expect(bodyOf(form).cloudScope).toEqual({});
  });

  it("is the lab's rule when typed as in the lab", () => {
    const form = emptyForm();
    form.name = "MDC Lab Example";
    form.scope = [{ key: 1, matcher: "pod", operator: "contains", values: ["gate"] }];
    form.blockUnscanned = true;
    const { rule } = bodyOf(form);
    expect(rule.scope).toEqual([{ matcherType: "pod", anyOf: ["*gate*"], operator: "In" }]);
    expect(rule.configuration.maxAllowedSeverities).toEqual({ high: 0 });
    expect(rule.configuration.blockUnscannedImages).toBe(true);
  });

  it("keeps the reason of an exemption, so that it is not merely ignored", () => {
    const form = emptyForm();
    form.vulnerabilities = [{ ...newExemption(new Date()), id: "CVE-1-2", timeBound: false, reason: "no path" }];
    const { configuration } = bodyOf(form).rule;
    expect(configuration.ignoredCves).toEqual([]);
    expect(configuration.exemptions).toEqual([{ type: "permanent", value: "CVE-1-2", reason: "no path" }]);
  });
});
