import { expect, it } from "vitest";

import { actionWords, targetName } from "./words";

it.each([
  ["rule.update", "Rule changed"],
  ["cluster.enrol", "Cluster enrolled"],
  ["cluster.gating", "Cluster gating switched"],
  ["rule.order", "Order of rules saved"],
  ["session.create", "Signed in"],
  ["thing.new_verb", "Thing new verb"],
])("%s reads %s", (action, words) => {
  expect(actionWords(action)).toBe(words);
});

it("calls a target by its name where the change has one", () => {
  expect(targetName("rule/4f28", { rule: { name: "Lab" } })).toBe("Lab");
  expect(targetName("rule/4f28/priority", { name: "Lab", priority: 1 })).toBe("Lab");
  expect(targetName("cluster/local", null, null)).toBe("local");
  expect(targetName("rules/order", { order: ["a"] })).toBe("All rules");
});
