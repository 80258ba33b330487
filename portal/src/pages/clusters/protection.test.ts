import { describe, expect, it } from "vitest";

import { unjudgedOf } from "./protection";

describe("pods without a verdict", () => {
  it("stand with what nobody chose first", () => {
    const found = unjudgedOf({ unjudged: { "excluded-namespace": 12, "not-watched": 2, "failed-open": 1 } });
    expect(found.map(({ why, count, tone }) => [why, count, tone])).toEqual([
      ["failed-open", 1, "bad"],
      ["not-watched", 2, "warning"],
      ["excluded-namespace", 12, "neutral"],
    ]);
  });

  it("are none where an agent told of none", () => {
    expect(unjudgedOf({})).toEqual([]);
  });
});
