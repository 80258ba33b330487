/** What several databases say of how severe a finding is. */

import { SEVERITIES, type Severity } from "../../components/SeverityCounts";
import { capitalize } from "../../lib/format";
import type { Finding } from "./data";

export type Rating = NonNullable<Finding["ratings"]>[number];

/** Other words for the same severities, as databases have them. */
const WORDS: Readonly<Record<string, Severity>> = {
  important: "high",
  moderate: "medium",
  negligible: "low",
  unimportant: "low",
  minimal: "low",
};

/** Returns the severity that a rating means; undefined: it says none that is known. */
export function severityOf({ word }: Rating): Severity | undefined {
  const said = (word ?? "").trim().toLowerCase();
  return SEVERITIES.find((severity) => severity === said && severity !== "unknown") ?? WORDS[said];
}

/** Returns the severities that are said, worst first, where there are several. */
export function disagreement(finding: Finding): Severity[] {
  const said = new Set((finding.ratings ?? []).map(severityOf));
  const found = SEVERITIES.filter((severity) => said.has(severity));
  return found.length > 1 ? found : [];
}

/** Returns the sentence that tells of it: `Rated from low to critical; high counts, by Debian`. */
export function disagreementWords(finding: Finding): string {
  const said = disagreement(finding);
  if (!said.length) return "";
  const leading = finding.ratings?.find((rating) => rating.leading);
  const by = leading ? `, by ${speakerOf(leading)}` : "";
  return `Rated from ${said.at(-1) ?? ""} to ${said[0] ?? ""}; ${finding.severity} counts${by}`;
}

const SCHEME = /^CVSS_V([0-9])$/;

/** Returns who said it: the database, else what stands in its place. */
export function speakerOf({ method, source }: Rating): string {
  return source || (SCHEME.test(method) ? "a database that is not named" : method);
}

/** Returns how it was said: `CVSS 3.1`, or in a word. */
export function schemeOf({ method, cvssVersion, score }: Rating): string {
  const version = cvssVersion || SCHEME.exec(method)?.[1];
  if (version) return `CVSS ${version}`;
  return score ? "Score" : "Word";
}

export const wordOf = ({ word }: Rating): string => (word ? capitalize(word.toLowerCase()) : "–");
