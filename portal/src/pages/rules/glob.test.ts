import { describe, expect, it } from "vitest";

import { conditionOf, globOf, valueProblem, type GlobOperator } from "./glob";

describe("globs", () => {
  it.each([
    ["gate", "equals", "gate"],
    ["gate*", "startsWith", "gate"],
    ["*gate", "endsWith", "gate"],
    ["*gate*", "contains", "gate"],
    ["a*b", "matches", "a*b"],
    ["*", "matches", "*"],
    ["**", "matches", "**"],
    ["", "matches", ""],
    ["*a*b*", "matches", "*a*b*"],
  ])("%s reads as %s %s and is written as it was", (glob, operator, value) => {
    expect(conditionOf(glob)).toEqual({ operator, value });
    expect(globOf(operator as GlobOperator, value)).toBe(glob);
  });

  it.each([
    ["equals", "", "A value is required"],
    ["contains", "  ", "A value is required"],
    ["equals", "a*", `"*" is a wildcard: choose "Matches pattern"`],
    ["equals", " a", "Remove the spaces around it"],
    ["matches", "a*b", ""],
    ["contains", "x".repeat(511), "512 characters at most"],
  ])("%s %j: %s", (operator, value, problem) => {
    expect(valueProblem(operator as GlobOperator, value)).toBe(problem);
  });
});
