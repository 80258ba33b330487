import { describe, expect, it } from "vitest";

import { diff, type Change } from "./diff";

const change = (path: string, kind: Change["kind"], before: string[], after: string[], same = 0): Change => ({ path, kind, before, after, same });

describe("what differs", () => {
  it("is told by path, as changed, added or removed", () => {
    const before = { rule: { action: "audit", configuration: { maxAllowedSeverities: { high: 0 } } }, gone: true };
    const after = { rule: { action: "deny", configuration: { maxAllowedSeverities: { high: 0, low: 3 } } } };
    expect(diff(before, after)).toEqual([
      change("rule.action", "changed", ["audit"], ["deny"]),
      change("gone", "removed", ["true"], []),
      change("rule.configuration.maxAllowedSeverities.low", "added", [], ["3"]),
    ]);
  });

  it.each([
    [["CVE-1"], ["CVE-0", "CVE-1"], [], ["CVE-0"], 1],
    [["a", "b", "c"], ["c", "d"], ["a", "b"], ["d"], 1],
    [["a", "a"], ["a"], ["a"], [], 1],
    [["a"], [], ["a"], [], 0],
  ])("of the lists %j and %j is what left and what came", (before, after, gone, come, same) => {
    expect(diff({ ids: before }, { ids: after })).toEqual([change("ids", "changed", gone, come, same)]);
  });

  it("is the order of a list that has the same values", () => {
    expect(diff({ order: ["a", "b"] }, { order: ["b", "a"] })).toEqual([change("order", "moved", ["a", "b"], ["b", "a"])]);
  });

  it("is told of an item by its name, whatever stands before it", () => {
    const before = [{ value: "CVE-2", reason: "soon" }];
    const after = [{ value: "CVE-1" }, { value: "CVE-2", reason: "later" }];
    expect(diff({ exemptions: before }, { exemptions: after })).toEqual([
      change("exemptions[CVE-2].reason", "changed", ["soon"], ["later"]),
      change("exemptions[CVE-1].value", "added", [], ["CVE-1"]),
    ]);
  });

  it("keeps items of the same name apart", () => {
    const scope = [{ matcherType: "pod", anyOf: ["a"] }, { matcherType: "pod", anyOf: ["b"] }];
    expect(diff({ scope }, { scope: [scope[0], { matcherType: "pod", anyOf: ["c"] }] })).toEqual([
      change("scope[pod (2)].anyOf", "changed", ["b"], ["c"]),
    ]);
  });

  it("is nothing between equals, nor between nothing and nothing", () => {
    expect(diff({ a: [{ b: 1 }] }, { a: [{ b: 1 }] })).toEqual([]);
    expect(diff(null, null)).toEqual([]);
    expect(diff(null, { empty: [] })).toEqual([]);
  });
});
