import { describe, expect, it } from "vitest";

import { cutMiddle, formatBytes, relativeTime, shortDigest, spaced } from "./format";
import { splitImage } from "./image";

describe("words", () => {
  it.each([
    ["2026-11-23T08:59:30Z", "just now"],
    ["2026-11-23T08:57:00Z", "3 min. ago"],
    ["2026-11-23T06:00:00Z", "3 hr. ago"],
    ["2026-11-22T09:00:00Z", "yesterday"],
    ["2026-11-26T09:00:00Z", "in 3 days"],
  ])("%s is %s", (moment, wanted) => {
    expect(relativeTime(new Date(moment), new Date("2026-11-23T09:00:00Z"))).toBe(wanted);
  });

  it("cuts a digest in the middle", () => {
    expect(shortDigest(`sha256:${"ab".repeat(32)}`)).toBe("sha256:abababab…abab");
    expect(shortDigest("short")).toBe("short");
    expect(cutMiddle("abcdefghij", 7)).toBe("abcd…ij");
  });

  it.each([
    ["PolicyEvaluation", "Policy evaluation"],
    ["GatingOff", "Gating off"],
    ["ForbiddenCve", "Forbidden CVE"],
  ])("%s reads %s", (word, wanted) => {
    expect(spaced(word)).toBe(wanted);
  });

  it("counts bytes by 1,024", () => {
    expect([formatBytes(2), formatBytes(2048), formatBytes(5 * 1024 ** 3)]).toEqual(["2 B", "2.0 KiB", "5.0 GiB"]);
  });

  it.each([
    ["localhost:5000/demo/app:critical", "localhost:5000", "demo/app"],
    ["nginx", "docker.io", "library/nginx"],
    ["nginx:1.2", "docker.io", "library/nginx"],
    ["team/app@sha256:ab", "docker.io", "team/app"],
    ["registry.example.com/app", "registry.example.com", "app"],
  ])("%s is of %s, %s", (reference, registry, repository) => {
    expect(splitImage(reference)).toEqual({ registry, repository });
  });
});
