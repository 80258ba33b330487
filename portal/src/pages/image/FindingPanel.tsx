import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Link } from "react-router";

import { CopyText, DetailPanel, Essentials, RelativeTime, Section, StatusBadge, type Fact } from "../../components";
import { SeverityMark } from "../../components/SeverityCounts";
import { shortDigest, spaced } from "../../lib/format";
import type { Finding } from "./data";
import { isWebAddress } from "./findings";
import styles from "./image.module.css";
import { disagreementWords, schemeOf, speakerOf, wordOf } from "./ratings";

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
  const locations = finding.locations ?? [];
  const references = finding.references ?? [];
  return (
    <DetailPanel title={finding.id} subtitle={`${finding.name} ${finding.version}`} onClose={onClose}>
      <div className={styles["marks"]}>
        {finding.notAffected?.map((mark) => <Cleared key={`${mark.source} ${mark.author}`} mark={mark} />)}
        {finding.exempted?.length ? <Exempted marks={finding.exempted} /> : null}
      </div>
      <Essentials facts={facts} columns={1} />
      <Ratings finding={finding} />
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

type VexMark = NonNullable<Finding["notAffected"]>[number];
type ExemptionMark = NonNullable<Finding["exempted"]>[number];

/** A trusted statement that clears it, with its reason: nothing is cleared silently. */
function Cleared({ mark }: { mark: VexMark }) {
  return (
    <MessageBar intent="success" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{mark.status === "fixed" ? "Fixed, says a trusted statement" : "Not affected, says a trusted statement"}</MessageBarTitle>
        <span className={styles["markLine"]}>{justificationWords(mark.justification)}.</span>
        {mark.detail ? <span className={styles["markLine"]}>{mark.detail}</span> : null}
        <span className={styles["markLine"]}>
          Said by {mark.author}
          {mark.saidAt ? (
            <>
              , <RelativeTime time={mark.saidAt} />
            </>
          ) : null}
          ; signed by the trusted source {mark.source}. It counts in no rule.
        </span>
      </MessageBarBody>
    </MessageBar>
  );
}

function Exempted({ marks }: { marks: readonly ExemptionMark[] }) {
  return (
    <MessageBar intent="info" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>Exempted where {marks.length === 1 ? "this rule decides" : "one of these rules decides"}</MessageBarTitle>
        {marks.map((mark) => (
          <span key={mark.rule} className={styles["markLine"]}>
            <Link className={styles["link"]} to={`/rules?search=${encodeURIComponent(mark.rule)}`}>
              {mark.rule}
            </Link>
            {mark.endDate ? `, through ${mark.endDate}` : ", without an end"}
            {mark.reason ? `: ${mark.reason}` : ""}
            {mark.addedBy ? ` (${mark.addedBy})` : ""}
          </span>
        ))}
      </MessageBarBody>
    </MessageBar>
  );
}

function Ratings({ finding }: { finding: Finding }) {
  const ratings = finding.ratings ?? [];
  const told = disagreementWords(finding);
  return (
    <Section title={`Ratings (${ratings.length})`}>
      {told ? <p className={styles["told"]}>{told}.</p> : null}
      {ratings.length ? (
        <table className={styles["ratings"]}>
          <thead>
            <tr>
              <th scope="col">Said by</th>
              <th scope="col">Rating</th>
              <th scope="col">As</th>
              <th scope="col" aria-label="Whether it counts" />
            </tr>
          </thead>
          <tbody>
            {ratings.map((rating) => (
              <tr key={`${rating.method} ${rating.source ?? ""} ${rating.score} ${rating.word ?? ""}`}>
                <td>{speakerOf(rating)}</td>
                <td>{wordOf(rating)}</td>
                <td>
                  {schemeOf(rating)}
                  {rating.score ? <span className={styles["score"]}>{rating.score}</span> : null}
                </td>
                <td>{rating.leading ? <StatusBadge tone="good">Counts</StatusBadge> : null}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p className={styles["muted"]}>Nobody rates it: its severity is unknown, which rules can limit.</p>
      )}
    </Section>
  );
}

/** Returns `component_not_present` as words; what is in words already stays. */
const justificationWords = (text: string): string => {
  const words = text.replace(/\.$/, "");
  return /^[a-z]+(_[a-z]+)+$/.test(words) ? spaced(words.charAt(0).toUpperCase() + words.slice(1).replaceAll("_", " ")) : words;
};
