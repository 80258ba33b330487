import { describe, expect, it } from "vitest";

import type { Referrer } from "./data";
import { countReferrers, keysIn, layersOf, treeRows } from "./referrers";

const SIGNATURE: Referrer = { digest: "sha256:bb", artifactType: "application/sig", kind: "signature", verifiedBy: ["evidence"] };
const ARTIFACT: Referrer = { digest: "sha256:aa", artifactType: "application/vnd.in-toto+json", kind: "artifact", verifiedBy: ["evidence"], referrers: [SIGNATURE] };
const FOREIGN: Referrer = { digest: "sha256:cc", artifactType: "text/x", kind: "other" };
const TREE = [ARTIFACT, FOREIGN];
const ALL = { search: "", kind: "", verified: "" };

const digests = (filter: typeof ALL, closed = new Set<string>()) => treeRows(TREE, filter, closed).map(({ referrer }) => referrer.digest);

describe("the tree of referrers", () => {
  it("stands open, each below what it refers to", () => {
    expect(treeRows(TREE, ALL, new Set()).map(({ depth }) => depth)).toEqual([1, 2, 1]);
  });

  it("hides what is below a closed one", () => {
    expect(digests(ALL, new Set(["/sha256:aa"]))).toEqual(["sha256:aa", "sha256:cc"]);
  });

  it.each([
    ["a signature with what it signs", { ...ALL, kind: "signature" }, ["sha256:aa", "sha256:bb"]],
    ["what nobody verified", { ...ALL, verified: "-" }, ["sha256:cc"]],
    ["what one key verified", { ...ALL, verified: "evidence" }, ["sha256:aa", "sha256:bb"]],
    ["a digest", { ...ALL, search: "CC" }, ["sha256:cc"]],
  ])("shows %s", (_, filter, wanted) => {
    expect(digests(filter)).toEqual(wanted);
  });

  it("is counted with all that is below", () => {
    expect(countReferrers(TREE)).toBe(3);
    expect(keysIn(TREE)).toEqual(["evidence"]);
  });
});

describe("the layers of a manifest", () => {
  it.each([
    ["as named", '{"layers": [{"mediaType": "a/b", "digest": "sha256:aa", "size": 7}]}', [{ mediaType: "a/b", digest: "sha256:aa", size: 7 }]],
    ["without a size", '{"layers": [{"mediaType": "a/b", "digest": "sha256:aa"}]}', [{ mediaType: "a/b", digest: "sha256:aa", size: 0 }]],
    ["not objects", '{"layers": [1, null, {"digest": 2, "mediaType": []}]}', []],
    ["no list", '{"layers": "many"}', []],
    ["no manifest", "null", []],
    ["no JSON", "<html>", []],
    ["nothing", "", []],
  ])("%s", (_, text, wanted) => {
    expect(layersOf(text)).toEqual(wanted);
  });
});
