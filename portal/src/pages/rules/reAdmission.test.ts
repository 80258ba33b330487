import { describe, expect, it } from "vitest";

import type { Schemas } from "../../api/client";
import type { RuleRecord } from "./form";
import { losingPods, nameSome, newDenyRules, type ReAdmission } from "./reAdmission";

const NOW = new Date("2026-11-23T09:00:00Z");

const record = (name: string, action: "audit" | "deny", updatedAt: string, enabled = true): RuleRecord =>
  ({ rule: { name, action, enabled }, updatedAt, cloudScope: {} }) as RuleRecord;

const cluster = (name: string, reAdmission?: ReAdmission, gating: "On" | "Off" = "On") =>
  ({ name, provider: "aws", account: "", labels: {}, gating, protection: reAdmission ? { reAdmission } : null }) as Schemas["ClusterV1"];

const names = (found: readonly { name: string }[]) => found.map(({ name }) => name);

describe("deny rules that are new", () => {
  it("are in force, deny, and were changed within 14 days", () => {
    const found = newDenyRules(
      [
        record("new", "deny", "2026-11-23T08:00:00Z"),
        record("nearly old", "deny", "2026-11-09T09:00:01Z"),
        record("old", "deny", "2026-11-09T09:00:00Z"),
        record("audits", "audit", "2026-11-23T08:00:00Z"),
        record("off", "deny", "2026-11-23T08:00:00Z", false),
        record("never changed", "deny", ""),
      ],
      NOW,
    );
    expect(found.map(({ rule }) => rule.name)).toEqual(["new", "nearly old"]);
  });
});

describe("clusters where own pods do not come back", () => {
  it("say so; of those that say nothing, nothing is known", () => {
    const clusters = [
      cluster("enforces", "Enforce"),
      cluster("forgets", "Audit without an index"),
      cluster("audits", "Audit"),
      cluster("reads", "unknown"),
      cluster("old"),
      cluster("ungated", "Enforce", "Off"),
    ];
    expect(names(losingPods([{}], clusters))).toEqual(["enforces", "forgets"]);
  });

  it("are those that one of the rules reaches", () => {
    const clusters = [cluster("prod-1", "Enforce"), cluster("test", "Enforce")];
    expect(names(losingPods([{ clusters: ["prod-*"] }, { providers: ["gcp"] }], clusters))).toEqual(["prod-1"]);
    expect(losingPods([], clusters)).toEqual([]);
  });
});

it.each([
  [["a"], "a"],
  [["a", "b"], "a and b"],
  [["a", "b", "c"], "a, b and c"],
  [["a", "b", "c", "d"], "a, b, c and 1 more cluster"],
  [["a", "b", "c", "d", "e"], "a, b, c and 2 more clusters"],
])("%j is named as %s", (given, words) => {
  expect(nameSome(given)).toBe(words);
});
