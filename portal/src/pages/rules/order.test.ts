import { describe, expect, it } from "vitest";

import { basisOf, fitOrder, moveTo } from "./order";

describe("the staged order", () => {
  it.each([
    ["a", "c", "bcad"],
    ["c", "a", "cabd"],
    ["d", "b", "adbc"],
    ["a", "a", "abcd"],
    ["x", "a", "abcd"],
    ["a", "x", "abcd"],
  ])("%s over %s gives %s", (id, over, wanted) => {
    expect(moveTo(Array.from("abcd"), id, over).join("")).toBe(wanted);
  });

  it("keeps the default rule last and takes in what others changed", () => {
    const rules = ["n", "a", "c", "default"].map((id) => ({ id, isDefault: id === "default" }));
    expect(fitOrder(["c", "b", "a", "default"], rules)).toEqual(["n", "c", "a", "default"]);
  });

  it.each([
    ["abcd", "abcd", "new", "nothing happened"],
    ["abcd", "abxcd", "new", "a rule was added"],
    ["abcd", "acd", "new", "a rule was deleted"],
    ["abcd", "bacd", "old", "somebody moved one"],
    ["abcd", "dxcb", "old", "somebody moved one, others came and went"],
  ])("made from %s is based, at %s, on the %s version: %s", (base, saved, wanted) => {
    const staged = { ids: [], base: Array.from(base), etag: "old" };
    expect(basisOf(staged, Array.from(saved), "new")).toBe(wanted);
  });
});
