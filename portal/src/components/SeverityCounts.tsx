import styles from "./SeverityCounts.module.css";

export interface Counts {
  critical?: number;
  high?: number;
  medium?: number;
  low?: number;
  unknown?: number;
}

export const SEVERITIES = ["critical", "high", "medium", "low", "unknown"] as const;
export type Severity = (typeof SEVERITIES)[number];

const LETTERS: Record<Severity, string> = { critical: "C", high: "H", medium: "M", low: "L", unknown: "?" };

/** Counts per severity in one line of equal cells, so that rows of a table line up. */
export function SeverityCounts({ counts }: { counts: Counts }) {
  const shown = SEVERITIES.filter((severity) => severity !== "unknown" || (counts.unknown ?? 0) > 0);
  const words = shown.map((severity) => `${counts[severity] ?? 0} ${severity}`).join(", ");
  return (
    <span className={styles["counts"]} role="img" aria-label={words} title={words}>
      {shown.map((severity) => {
        const count = counts[severity] ?? 0;
        return (
          <span key={severity} className={`${styles["cell"]} ${styles[count ? severity : "none"]}`} aria-hidden>
            <span className={styles["letter"]}>{LETTERS[severity]}</span>
            {count > 9999 ? "9999+" : count}
          </span>
        );
      })}
    </span>
  );
}

export function SeverityMark({ severity }: { severity: string }) {
  const known = SEVERITIES.find((name) => name === severity.toLowerCase()) ?? "unknown";
  return (
    <span className={styles["mark"]}>
      <span className={`${styles["dot"]} ${styles[known]}`} aria-hidden />
      {known.charAt(0).toUpperCase() + known.slice(1)}
    </span>
  );
}
