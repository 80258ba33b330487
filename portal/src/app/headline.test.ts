import { describe, expect, it } from "vitest";

import { headline } from "./headline";

const alarm = (cluster: string) => ({ cluster, kind: "CanaryAdmitted", message: "the API server admits all", since: "2026-11-23T09:00:00Z" });

describe("what the banner says of alarms", () => {
  it("says nothing where there are none", () => {
    expect(headline({ items: [] })).toBeUndefined();
  });

  it("names the cluster and says what its agent said, as a sentence", () => {
    expect(headline({ items: [alarm("prod")], total: 1, clusters: 1 })).toEqual({
      cluster: "prod",
      title: "Cluster prod may not be gated",
      text: "The API server admits all.",
      more: "",
    });
  });

  it.each([
    [2, 1, "and 1 more alarm"],
    [3, 1, "and 2 more alarms"],
    [3, 2, "and 2 more alarms in 2 clusters"],
  ])("counts the others: %d alarms in %d clusters", (total, clusters, more) => {
    expect(headline({ items: [alarm("a")], total, clusters })?.more).toBe(more);
  });
});
