import { describe, expect, it } from "vitest";

import { chosenAtFirst, fileProblem, summary } from "./importing";

const of = (...outcomes: ("create" | "update" | "unchanged" | "refused")[]) => outcomes.map((outcome) => ({ outcome }));

describe("a file of rules", () => {
  it("begins with all chosen that change something", () => {
    expect([...chosenAtFirst(of("unchanged", "create", "refused", "update"))]).toEqual([1, 3]);
  });

  it.each([
    [of("create", "update", "create", "refused"), "2 new, 1 changed, 1 refused"],
    [of("unchanged", "unchanged"), "2 rules unchanged"],
    [of("create"), "1 rule new"],
    [[], "0 rules"],
  ])("is summed up", (rules, words) => {
    expect(summary(rules)).toBe(words);
  });

  const file = (size: number) => ({ name: "rules.yaml", size });
  it.each([
    [[file(10)], ""],
    [[file(4 * 2 ** 20)], ""],
    [[file(4 * 2 ** 20 + 1)], "rules.yaml is larger than 4 MiB; split it."],
    [[file(0)], "rules.yaml is empty."],
    [[file(1), file(1)], "Those were 2 files"],
    [[], "no file"],
    [null, "no file"],
  ])("%j is refused with %j", (files, words) => {
    const problem = fileProblem(files);
    expect(words ? problem : problem === "").toEqual(words ? expect.stringContaining(words) : true);
  });
});
