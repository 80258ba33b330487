import { expect, it } from "vitest";

import { pretty, readFacts } from "./statement";

it("reads the facts of a statement", () => {
  const text = JSON.stringify({
    subject: [{ name: "x", digest: { sha256: "ab" } }],
    predicateType: "https://in-toto.io/attestation/vulns/v0.2",
    predicate: {
      scanner: { name: "Tidegate", version: "1", db: { version: "demo", lastUpdate: "2026-11-01T00:00:00Z" }, result: [{}, {}] },
      metadata: { scanFinishedOn: "2026-11-23T07:00:00Z" },
    },
  });
  expect(readFacts(text)).toMatchObject({ subject: "sha256:ab", scanner: "Tidegate 1", database: "demo", results: 2, finishedAt: "2026-11-23T07:00:00Z" });
});

it.each(["", "[]", "null", "{", '"text"'])("reads nothing from %j", (text) => {
  expect(readFacts(text)).toBeNull();
});

it.each(['{"subject":{},"predicate":[]}', '{"subject":[null],"predicate":{"scanner":"x"}}'])("survives the shape of %s", (text) => {
  expect(readFacts(text)).toMatchObject({ subject: "", results: null });
});

it("leaves what is no JSON as it is", () => {
  expect(pretty("{oops")).toBe("{oops");
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
});
