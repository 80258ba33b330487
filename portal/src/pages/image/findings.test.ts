import { describe, expect, it } from "vitest";

import type { Finding } from "./data";
import { countSeverities, filterFindings, groupFindings, isWebAddress, rowsOf } from "./findings";

function finding(id: string, changes: Partial<Finding> = {}): Finding {
  return { id, severity: "high", package: `pkg:pypi/${id.toLowerCase()}@1`, name: "django", version: "1", ...changes };
}

const CRITICAL = finding("CVE-1", { severity: "critical", name: "log4j-core", fixedVersion: "2.16.0", locations: [{ path: "opt/a.jar" }, { path: "opt/b.jar" }] });
const HIGH = finding("CVE-2", { aliases: ["GHSA-xyz"], fixedVersion: "3.2.5", locations: [{ path: "usr/lib/django" }] });
const UNFIXED = finding("CVE-3", { severity: "low" });
const ALL = [CRITICAL, HIGH, UNFIXED];
const NONE = { search: "", severities: [], fixed: "", state: "" };
const CLEARED = finding("CVE-4", { notAffected: [{ status: "not_affected", justification: "x", author: "a", source: "s" }], exempted: [{ rule: "r" }] });
const EXEMPTED = finding("CVE-5", { exempted: [{ rule: "r" }] });

describe("the findings filter", () => {
  it.each([
    ["an id", { ...NONE, search: "cve-1" }, ["CVE-1"]],
    ["an alias", { ...NONE, search: "ghsa-XYZ" }, ["CVE-2"]],
    ["a path", { ...NONE, search: "b.jar" }, ["CVE-1"]],
    ["several severities", { ...NONE, severities: ["critical", "low"] }, ["CVE-1", "CVE-3"]],
    ["with a fix", { ...NONE, fixed: "yes" }, ["CVE-1", "CVE-2"]],
    ["without a fix", { ...NONE, fixed: "no" }, ["CVE-3"]],
    ["nothing", NONE, ["CVE-1", "CVE-2", "CVE-3"]],
  ])("by %s", (_, filter, ids) => {
    expect(filterFindings(ALL, filter).map(({ id }) => id)).toEqual(ids);
  });
});

describe("groups", () => {
  it("by package stand with the worst first", () => {
    const groups = groupFindings([UNFIXED, HIGH, CRITICAL], "package");
    expect(groups.map(({ name, findings }) => [name, findings.length])).toEqual([
      ["log4j-core 1", 1],
      ["django 1", 2],
    ]);
  });

  it("by path hold a finding once for each of its paths", () => {
    expect(groupFindings([CRITICAL], "path").map(({ name }) => name)).toEqual(["opt/a.jar", "opt/b.jar"]);
  });

  it("by fix tell what has none", () => {
    expect(groupFindings(ALL, "fix").map(({ name }) => name)).toContain("No fixed version");
  });

  it("show their findings only when open, under keys of their own", () => {
    const groups = groupFindings([CRITICAL], "path");
    expect(rowsOf(groups, new Set())).toHaveLength(2);
    const keys = rowsOf(groups, new Set(["opt/a.jar", "opt/b.jar"])).flatMap((row) => (row.kind === "finding" ? [row.key] : []));
    expect(new Set(keys).size).toBe(2);
  });
});

it("tell what trusted statements clear from what a rule exempts, and from what counts", () => {
  const states = ["open", "exempted", "cleared"].map((state) => filterFindings([...ALL, CLEARED, EXEMPTED], { ...NONE, state }).map(({ id }) => id));
  expect(states).toEqual([["CVE-1", "CVE-2", "CVE-3"], ["CVE-5"], ["CVE-4"]]);
});

it("counts severities, of those alone that are not cleared", () => {
  expect(countSeverities([CLEARED, EXEMPTED]).high).toBe(1);
  expect(countSeverities(ALL)).toEqual({ critical: 1, high: 1, medium: 0, low: 1, unknown: 0 });
});

it.each([
  ["https://nvd.nist.gov/x", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["just words", false],
])("follows %s: %s", (text, followed) => {
  expect(isWebAddress(text)).toBe(followed);
});
