import type { Counts } from "../components/SeverityCounts";

const ORDER = ["critical", "high", "medium", "low", "unknown"] as const;

/** A number that sorts counts: one critical is worse than any count of high ones. */
export function badness(counts: Counts): number {
  return ORDER.reduce((sum, severity) => sum * 10_000 + Math.min(counts[severity] ?? 0, 9_999), 0);
}

/** The counts of the platform with the worst findings; null where nothing was scanned. */
export function worstCounts(reports: readonly { counts: Counts }[]): Counts | null {
  const [first, ...rest] = reports;
  if (!first) return null;
  return rest.reduce((worst, { counts }) => (badness(counts) > badness(worst) ? counts : worst), first.counts);
}
