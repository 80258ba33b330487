import { badness } from "../../lib/counts";
import { SEVERITIES, type Counts, type Severity } from "../../components/SeverityCounts";
import type { Finding } from "./data";

export type Grouping = "none" | "package" | "fix" | "path";

export interface FindingFilter {
  search: string;
  severities: readonly string[];
  /** "" all, "yes" with a fixed version, "no" without. */
  fixed: string;
  /** "" all, else those in this state. */
  state: string;
}

/** Whether a finding counts: trusted VEX statements clear it for all rules, an exemption for one. */
export type State = "open" | "exempted" | "cleared";

export function stateOf({ notAffected, exempted }: Finding): State {
  if (notAffected?.length) return "cleared";
  return exempted?.length ? "exempted" : "open";
}

export interface Group {
  key: string;
  name: string;
  counts: Counts;
  findings: readonly Finding[];
}

/** A row of the table: a group's heading, or a finding (of an open group). */
export type Row = { kind: "group"; group: Group; open: boolean } | { kind: "finding"; finding: Finding; key: string };

export const severityRank = (severity: Severity): number => SEVERITIES.indexOf(severity);

export function filterFindings(findings: readonly Finding[], filter: FindingFilter): Finding[] {
  const search = filter.search.trim().toLowerCase();
  return findings.filter(
    (finding) =>
      (filter.severities.length === 0 || filter.severities.includes(finding.severity)) &&
      (filter.state === "" || filter.state === stateOf(finding)) &&
      (filter.fixed === "" || (filter.fixed === "yes") === Boolean(finding.fixedVersion)) &&
      (search === "" || textOf(finding).includes(search)),
  );
}

/** Groups findings, the group with the worst of them first; one of several paths is in each path's group. */
export function groupFindings(findings: readonly Finding[], grouping: Exclude<Grouping, "none">): Group[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    for (const name of namesOf(finding, grouping)) {
      const members = groups.get(name);
      if (members) members.push(finding);
      else groups.set(name, [finding]);
    }
  }
  return [...groups]
    .map(([name, members]) => ({ key: name, name, counts: countSeverities(members), findings: members }))
    .sort((a, b) => badness(b.counts) - badness(a.counts) || a.name.localeCompare(b.name, "en"));
}

/** Returns the rows to show: groups with the findings of the open ones below them. */
export function rowsOf(groups: readonly Group[], open: ReadonlySet<string>): Row[] {
  return groups.flatMap((group) => {
    const opened = open.has(group.key);
    const heading: Row = { kind: "group", group, open: opened };
    if (!opened) return [heading];
    return [heading, ...group.findings.map((finding): Row => ({ kind: "finding", finding, key: `${group.key}\n${keyOf(finding)}` }))];
  });
}

export const keyOf = (finding: Finding): string => `${finding.id} ${finding.package}`;

/** Returns how many count, by severity: those that a trusted statement clears count nowhere. */
export function countSeverities(findings: readonly Finding[]): Counts {
  const counts: Record<Severity, number> = { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 };
  for (const finding of findings) if (stateOf(finding) !== "cleared") counts[finding.severity] += 1;
  return counts;
}

/** Whether an advisory's reference may be followed: it is whatever the advisory's author wrote. */
export function isWebAddress(text: string): boolean {
  try {
    return ["https:", "http:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

function namesOf(finding: Finding, grouping: Exclude<Grouping, "none">): readonly string[] {
  switch (grouping) {
    case "package":
      return [`${finding.name} ${finding.version}`];
    case "fix":
      return [finding.fixedVersion ? `${finding.name} → ${finding.fixedVersion}` : "No fixed version"];
    case "path": {
      const paths = [...new Set((finding.locations ?? []).map(({ path }) => path))];
      return paths.length ? paths : ["No path known"];
    }
  }
}

function textOf({ id, package: purl, name, aliases, locations, fixedVersion }: Finding): string {
  const paths = (locations ?? []).map(({ path }) => path);
  return [id, purl, name, fixedVersion ?? "", ...(aliases ?? []), ...paths].join("\n").toLowerCase();
}
