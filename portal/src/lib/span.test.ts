import { describe, expect, it } from "vitest";

import { boundsOf, fromField, readSpan, spanParams, spanProblem, toField, type Span } from "./span";

const NOW = new Date("2026-11-23T09:00:00Z");
const read = (query: string) => readSpan(new URLSearchParams(query), "24h");

describe("a span of time", () => {
  it.each<[string, Span]>([
    ["", { range: "24h" }],
    ["range=7d", { range: "7d" }],
    ["range=toString", { range: "24h" }],
    ["range=nothing", { range: "24h" }],
    ["since=2026-11-22T10:00:00Z&until=2026-11-22T11:00:00Z", { since: "2026-11-22T10:00:00Z", until: "2026-11-22T11:00:00Z" }],
    ["since=2026-11-22T10:00:00%2B02:00", { since: "2026-11-22T08:00:00Z", until: "" }],
    ["since=yesterday", { range: "24h" }],
    ["since=2026-11-22T10:00:00Z&range=7d", { since: "2026-11-22T10:00:00Z", until: "" }],
  ])("of the address %s", (query, wanted) => {
    expect(read(query)).toEqual(wanted);
  });

  it.each(["", "range=7d", "range=all", "since=2026-11-22T10:00:00Z", "until=2026-11-22T10:00:00Z"])(
    "comes back from the address %s",
    (query) => {
      const span = read(query);
      const again = Object.entries(spanParams(span, "24h")).filter(([, value]) => value);
      expect(read(new URLSearchParams(again).toString())).toEqual(span);
    },
  );

  it("has bounds, but where it is open", () => {
    expect(boundsOf({ range: "1h" }, NOW)).toEqual({ since: "2026-11-23T08:00:00.000Z" });
    expect(boundsOf({ range: "all" }, NOW)).toEqual({});
    expect(boundsOf({ since: "", until: "2026-11-22T10:00:00Z" }, NOW)).toEqual({ until: "2026-11-22T10:00:00Z" });
  });

  it("ends after it begins", () => {
    expect(spanProblem({ since: "2026-11-22T10:00:00Z", until: "2026-11-22T10:00:00Z" })).toMatch(/later/);
    expect(spanProblem({ since: "2026-11-22T10:00:00Z", until: "2026-11-22T10:01:00Z" })).toBe("");
    expect(spanProblem({ since: "2026-11-22T10:00:00Z", until: "" })).toBe("");
  });

  it("is read in a field and written back", () => {
    expect(fromField(toField("2026-11-22T10:05:00Z"))).toBe("2026-11-22T10:05:00Z");
    expect([toField(""), fromField(""), fromField("nonsense")]).toEqual(["", "", ""]);
  });
});
