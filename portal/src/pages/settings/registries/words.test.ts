import { describe, expect, it } from "vitest";

import { credentialWords, durationWords, pollWords, rowsOf, testWords, type Configured } from "./words";

const KEY = "f".repeat(64);
const WORKER = { name: "w1", lastSeenAt: "", version: "1", keyFingerprint: "", registries: ["registry.example"], sealingFingerprint: KEY, present: true };
const RECORD: Configured = {
  host: "registry.example",
  connection: {},
  polling: {},
  testRepository: "",
  credentialsFor: [],
  updatedAt: "",
  updatedBy: "",
};
const TEST = { checkedAt: "", worker: "w1", reachable: true };

describe("the list of registries", () => {
  it("has those that are configured here, and those of present workers' own files", () => {
    const listed = { host: "registry.example", repositoryCount: 0, imageCount: 0, access: "On" as const, configured: RECORD };
    const seen = { host: "seen.example", repositoryCount: 1, imageCount: 1, access: "NotConfigured" as const };
    const gone = { ...WORKER, name: "gone", registries: ["old.example"], present: false };
    const rows = rowsOf([listed, seen], [{ ...WORKER, registries: ["file.example", "registry.example"] }, gone]);
    expect(rows.map(({ host, record, workers }) => [host, record !== undefined, workers.length])).toEqual([
      ["file.example", false, 1],
      ["registry.example", true, 1],
    ]);
  });

  it.each<[string, Partial<Configured>, string]>([
    ["a test that nobody can make", { testing: true }, "Waits for a worker"],
    ["no test yet", {}, "Not tested"],
    ["a test that failed", { test: { ...TEST, reachable: false, error: "401" } }, "Does not work"],
    ["a registry that takes no findings", { test: { ...TEST, push: "no" } }, "Cannot be written"],
    ["a registry that works", { test: { ...TEST, push: "yes" } }, "Works"],
  ])("says of %s so", (_, changes, text) => {
    expect(testWords({ ...RECORD, ...changes }, []).text).toBe(text);
  });

  it.each<[string, Partial<Configured>, string]>([
    ["none is looked for", {}, "When told"],
    ["it goes well", { polling: { enabled: true, intervalS: 90 } }, "Every 90 seconds"],
    ["it fails", { polling: { enabled: true }, poll: { failures: 3, error: "429" } }, "Looking fails"],
    ["it goes on", { polling: { enabled: true }, poll: { worker: "w1" } }, "Being looked through"],
  ])("says of new images when %s", (_, changes, text) => {
    expect(pollWords({ ...RECORD, ...changes }).text).toBe(text);
  });

  it.each<[string, string[], (typeof WORKER)[], string, string]>([
    ["has none", [], [WORKER], "None", "neutral"],
    ["all open them", [KEY], [WORKER], "Sealed", "good"],
    ["one came later", [KEY], [WORKER, { ...WORKER, name: "w2", sealingFingerprint: "0" }], "1 of 2 workers", "warning"],
    ["nobody opens them", ["1"], [WORKER], "0 of 1 workers", "bad"],
    ["nobody is there", [KEY], [{ ...WORKER, present: false }], "Sealed", "neutral"],
  ])("says of credentials when it %s", (_, credentialsFor, workers, text, tone) => {
    expect(credentialWords({ ...RECORD, credentialsFor }, workers)).toMatchObject({ text, tone });
  });
});

it.each([
  [60, "minute"],
  [300, "5 minutes"],
  [86_400, "day"],
])("says %d seconds as %s", (seconds, text) => {
  expect(durationWords(seconds)).toBe(text);
});
