import { CopyText, DetailPanel, Essentials, Section, type Fact } from "../../components";
import { SeverityMark } from "../../components/SeverityCounts";
import { shortDigest } from "../../lib/format";
import type { Finding } from "./data";
import { isWebAddress } from "./findings";
import styles from "./image.module.css";

/** All that the statement says about one finding. */
export function FindingPanel({ finding, onClose }: { finding: Finding; onClose: () => void }) {
  const facts: Fact[] = [
    { name: "Severity", value: <SeverityMark severity={finding.severity} /> },
    { name: "Package", value: <CopyText text={finding.package} label="Copy package URL" /> },
    { name: "Detected version", value: finding.version },
    { name: "Fixed in", value: finding.fixedVersion || "no fixed version is known" },
    { name: "Also known as", value: (finding.aliases ?? []).join(", ") || "no other id" },
    { name: "Weaknesses", value: (finding.cweIds ?? []).join(", ") || "not said" },
  ];
  const ratings = finding.ratings ?? [];
  const locations = finding.locations ?? [];
  const references = finding.references ?? [];
  return (
    <DetailPanel title={finding.id} subtitle={`${finding.name} ${finding.version}`} onClose={onClose}>
      <Essentials facts={facts} columns={1} />
      <Section title={`Evidence (${locations.length})`}>
        <ul className={styles["list"]}>
          {locations.map(({ path, layer }) => (
            <li key={`${path} ${layer ?? ""}`}>
              <span className={styles["mono"]}>{path}</span>
              {layer ? (
                <span className={styles["layer"]} title={layer}>
                  in layer {shortDigest(layer)}
                </span>
              ) : null}
            </li>
          ))}
        </ul>
      </Section>
      <Section title={`Ratings (${ratings.length})`}>
        <ul className={styles["list"]}>
          {ratings.map(({ method, score, word, leading }) => (
            <li key={`${method} ${score}`}>
              {word ? `${word}, ` : ""}
              {method.replace("_", " ")}
              {score ? (
                <>
                  : <span className={styles["mono"]}>{score}</span>
                </>
              ) : null}
              {leading ? " (this one counts)" : ""}
            </li>
          ))}
        </ul>
      </Section>
      <Section title={`References (${references.length})`}>
        <ul className={styles["list"]}>
          {references.map((reference) => (
            <li key={reference}>
              {isWebAddress(reference) ? (
                <a className={styles["link"]} href={reference} target="_blank" rel="noopener noreferrer nofollow">
                  {reference}
                </a>
              ) : (
                reference
              )}
            </li>
          ))}
        </ul>
      </Section>
    </DetailPanel>
  );
}
