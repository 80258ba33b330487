import { describe, expect, it } from "vitest";

import type { Finding } from "./data";
import { disagreement, disagreementWords, schemeOf, severityOf, speakerOf, type Rating } from "./ratings";

const LEADING: Rating = { method: "Debian", score: "", word: "unimportant", leading: true };
const NVD: Rating = { method: "CVSS_V3", score: "CVSS:3.1/AV:N", word: "Critical", cvssVersion: "3.1", source: "NVD" };

const finding = (...ratings: Rating[]): Finding => ({ id: "CVE-1", severity: "low", package: "pkg:deb/a@1", name: "a", version: "1", ratings });

describe("several databases' ratings", () => {
  it("are told where they differ, with the one that counts", () => {
    expect(disagreement(finding(LEADING, NVD))).toEqual(["critical", "low"]);
    expect(disagreementWords(finding(LEADING, NVD))).toBe("Rated from low to critical; low counts, by Debian");
  });

  it.each([
    ["one says it", finding(LEADING)],
    ["nobody does", finding()],
    ["they mean the same", finding(LEADING, { method: "Ubuntu", score: "", word: "Negligible" })],
    ["the other says nothing that is known", finding(LEADING, { method: "X", score: "", word: "untriaged" })],
  ])("are not, where %s", (_, found) => {
    expect(disagreementWords(found)).toBe("");
  });

  it.each([
    ["IMPORTANT", "high"],
    ["Moderate", "medium"],
    ["unknown", undefined],
  ])("read %s as %s", (word, severity) => {
    expect(severityOf({ method: "x", score: "", word })).toBe(severity);
  });

  it.each<[Rating, string, string]>([
    [NVD, "NVD", "CVSS 3.1"],
    [{ method: "CVSS_V2", score: "AV:N" }, "a database that is not named", "CVSS 2"],
    [LEADING, "Debian", "Word"],
    [{ method: "security-severity", score: "7.5" }, "security-severity", "Score"],
  ])("name who said it and how: %o", (rating, speaker, scheme) => {
    expect([speakerOf(rating), schemeOf(rating)]).toEqual([speaker, scheme]);
  });
});
