import { describe, expect, it } from "vitest";

import { globMatches, reaches } from "./reach";

const CLUSTER = {
  name: "prod-eu",
  provider: "aws" as const,
  account: "42",
  labels: { env: "prod" },
  enrolledAt: "2026-11-23T09:00:00Z",
};

describe("the reach of a rule", () => {
  it.each([
    ["a*c", "abc", true],
    ["a*c", "ac", true],
    ["a*a", "a", false],
    ["*b*b*", "abab", true],
    ["*b*b*", "ab", false],
    ["a.c", "abc", false],
    ["*", "", true],
    ["a", "A", false],
  ])("%s and %j: %s", (glob, value, wanted) => {
    expect(globMatches(glob, value)).toBe(wanted);
  });

  it.each([
    [{}, true],
    [{ providers: ["aws" as const] }, true],
    [{ providers: ["gcp" as const], clusters: ["prod-*"] }, false],
    [{ clusters: ["x", "prod-*"], labels: ["env=*"] }, true],
    [{ accounts: ["43"] }, false],
  ])("%j reaches the cluster: %s", (scope, wanted) => {
    expect(reaches(scope, CLUSTER)).toBe(wanted);
  });
});
