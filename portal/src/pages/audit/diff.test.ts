import { expect, it } from "vitest";

import { actionWords, diff, targetName } from "./diff";

it("tells what was changed, added and removed, by path", () => {
  const before = { rule: { action: "audit", configuration: { maxAllowedSeverities: { high: 0 } } }, gone: true };
  const after = { rule: { action: "deny", configuration: { maxAllowedSeverities: { high: 0, low: 3 } } } };
  expect(diff(before, after)).toEqual([
    { path: "rule.action", kind: "changed", before: "audit", after: "deny" },
    { path: "gone", kind: "removed", before: "true", after: "" },
    { path: "rule.configuration.maxAllowedSeverities.low", kind: "added", before: "", after: "3" },
  ]);
});

it("takes a list of words for one value", () => {
  expect(diff({ cves: ["CVE-1"] }, { cves: ["CVE-0", "CVE-1"] })).toEqual([{ path: "cves", kind: "changed", before: "CVE-1", after: "CVE-0, CVE-1" }]);
});

it("finds nothing between equals, nor between nothing and nothing", () => {
  expect(diff({ a: [{ b: 1 }] }, { a: [{ b: 1 }] })).toEqual([]);
  expect(diff(null, null)).toEqual([]);
});

it("says actions in words", () => {
  expect(actionWords("rule.update")).toBe("Rule changed");
  expect(actionWords("cluster.enrol")).toBe("Cluster enrolled");
});

it("calls a target by its name where the change has one", () => {
  expect(targetName("rule/4f28", { rule: { name: "Lab" } })).toBe("Lab");
  expect(targetName("cluster/local", null, null)).toBe("local");
});
