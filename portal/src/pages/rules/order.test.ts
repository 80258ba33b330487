import { describe, expect, it } from "vitest";

import { fitOrder, movesBetween, moveTo, type Move } from "./order";

/** What the hub does with moves: the rule leaves its place and stands at the priority. */
function play(before: readonly string[], moves: readonly Move[]): string[] {
  const now = [...before];
  for (const { id, priority } of moves) {
    now.splice(now.indexOf(id), 1);
    now.splice(priority - 1, 0, id);
  }
  return now;
}

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

  it.each([
    ["abcd", "abcd", 0],
    ["abcd", "bcda", 1],
    ["abcd", "dabc", 1],
    ["abcd", "bacd", 1],
    ["abcd", "dcba", 3],
    ["abcdef", "fbdace", 3],
    ["", "", 0],
  ])("%s becomes %s in %i moves", (before, after, count) => {
    const moves = movesBetween(Array.from(before), Array.from(after));
    expect(play(Array.from(before), moves).join("")).toBe(after);
    expect(moves).toHaveLength(count);
  });

  it("becomes any other order, whichever", () => {
    const before = Array.from("abcde");
    for (const after of permutations(before)) expect(play(before, movesBetween(before, after))).toEqual(after);
  });

  it("keeps the default rule last and takes in what others changed", () => {
    const rules = ["n", "a", "c", "default"].map((id) => ({ id, isDefault: id === "default" }));
    expect(fitOrder(["c", "b", "a", "default"], rules)).toEqual(["n", "c", "a", "default"]);
  });
});

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
