import { describe, expect, it } from "vitest";

import type { Cluster } from "./data";
import { healthOf, nameProblem, problemsBeside, readLabels } from "./health";

const NOW = new Date("2026-11-23T09:00:00Z");
const WELL: Cluster = {
  name: "prod",
  provider: "azure",
  account: "",
  labels: {},
  enrolledAt: "2026-11-01T00:00:00Z",
  lastSeenAt: "2026-11-23T08:59:50Z",
  policyGeneration: "a",
  wantedGeneration: "a",
  gating: "On",
  problems: [],
};

describe("a cluster's state", () => {
  it.each([
    ["Enforcing", {}],
    ["Waits for its agent", { enrolledAt: "", lastSeenAt: "" }],
    ["Gating is off", { gating: "Off", problems: ["x"] }],
    ["Never heard of", { lastSeenAt: "" }],
    ["Not heard of", { lastSeenAt: "2026-11-23T08:58:00Z" }],
    ["May not be gated", { protection: { alarms: [{ kind: "FailedOpen", message: "x", since: "" }] }, problems: ["x"] }],
    ["Has problems", { problems: ["The policy object was changed"], policyGeneration: "b" }],
    ["Takes over new rules", { policyGeneration: "b" }],
  ] satisfies [string, Partial<Cluster>][])("is “%s”", (text, changes) => {
    expect(healthOf({ ...WELL, ...changes }, NOW).text).toBe(text);
  });
});

describe("problems", () => {
  it("are told beside alarms, and not again where an alarm tells them whole", () => {
    const long = "x".repeat(800);
    const alarms = [long, "the webhook is missing"].map((message, place) => ({ kind: String(place), message, since: "" }));
    const problems = ["a token came a second time", long.slice(0, 500), "the webhook is missing", "feed: the hub is away"];
    expect(problemsBeside({ ...WELL, problems, protection: { alarms } })).toEqual(["a token came a second time", "feed: the hub is away"]);
    expect(problemsBeside({ ...WELL, problems })).toEqual(problems);
  });
});

describe("labels", () => {
  it("are read as key=value, the value with whatever is in it", () => {
    expect(readLabels(["env=prod", "note=a=b", "empty="])).toEqual({ env: "prod", note: "a=b", empty: "" });
  });

  it.each([[["env"]], [["=x"]], [["a=1", "a=2"]]])("%j are refused", (words) => {
    expect(() => readLabels(words)).toThrow();
  });
});

it.each([
  ["prod-eu.1", false],
  ["-enrol", true],
  ["with space", true],
  ["taken", true],
  ["x".repeat(129), true],
])("the name %s is refused: %s", (name, refused) => {
  expect(nameProblem(name, ["taken"]) !== "").toBe(refused);
});
