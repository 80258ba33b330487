import { Link } from "react-router";

import { RelativeTime, SeverityCounts } from "../../components";
import { formatCount, shortDigest } from "../../lib/format";
import { imageLink } from "../registries/links";
import { Card, Nothing } from "./Card";
import type { Overview } from "./data";
import styles from "./overview.module.css";

export function RiskiestImages({ images }: { images: Overview["riskiestImages"] }) {
  if (images.length === 0) return <Card title="Riskiest images running">{<Nothing>No image that runs is known to have findings.</Nothing>}</Card>;
  return (
    <Card title="Riskiest images running">
      <table className={styles["table"]}>
        <thead>
          <tr>
            <th scope="col">Image</th>
            <th scope="col" className={styles["wideCounts"]}>
              Findings
            </th>
            <th scope="col" className={styles["clusterCell"]}>
              Runs in
            </th>
          </tr>
        </thead>
        <tbody>
          {images.map((image) => {
            const name = image.tags[0] ? `${image.repository}:${image.tags[0]}` : `${image.repository}@${shortDigest(image.digest)}`;
            return (
              <tr key={`${image.registry} ${image.repository} ${image.digest}`}>
                <td>
                  <Link
                    className={styles["link"]}
                    title={`${image.registry}/${image.repository}@${image.digest}`}
                    to={imageLink(image.registry, image.repository, image.digest)}
                  >
                    {name}
                  </Link>
                </td>
                <td>
                  <SeverityCounts counts={image.counts} />
                </td>
                <td title={image.runningIn.join("\n")}>{image.runningIn.join(", ")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}

export function TopRules({ rules }: { rules: Overview["topRules"] }) {
  if (rules.length === 0) return <Card title="Rules that decided most">{<Nothing>No rule denied or audited anything in this time.</Nothing>}</Card>;
  return (
    <Card title="Rules that decided most">
      <table className={styles["table"]}>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col" className={`${styles["number"]} ${styles["numberCell"]}`}>
              Denied
            </th>
            <th scope="col" className={`${styles["number"]} ${styles["numberCell"]}`}>
              Audited
            </th>
          </tr>
        </thead>
        <tbody>
          {rules.map(({ rule, denied, audited }) => (
            <tr key={rule}>
              <td>
                <Link className={styles["link"]} title={rule} to={`/rules?search=${encodeURIComponent(rule)}`}>
                  {rule}
                </Link>
              </td>
              <td className={styles["number"]}>{formatCount(denied)}</td>
              <td className={styles["number"]}>{formatCount(audited)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

export function ExpiringExemptions({ exemptions }: { exemptions: Overview["expiringExemptions"] }) {
  if (exemptions.length === 0) return <Card title="Exemptions about to end">{<Nothing>None ends soon.</Nothing>}</Card>;
  return (
    <Card title="Exemptions about to end">
      <table className={styles["table"]}>
        <thead>
          <tr>
            <th scope="col">Exempt</th>
            <th scope="col">Rule</th>
            <th scope="col" className={styles["dateCell"]}>
              Ends
            </th>
          </tr>
        </thead>
        <tbody>
          {exemptions.map(({ rule, kind, value, endDate, reason }) => (
            <tr key={`${rule} ${kind} ${value} ${endDate}`} title={reason ? `Reason: ${reason}` : "No reason was given"}>
              <td>{value}</td>
              <td>
                <Link className={styles["link"]} to={`/rules?search=${encodeURIComponent(rule)}`}>
                  {rule}
                </Link>
              </td>
              <td>
                <RelativeTime time={endOf(endDate)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

/** An exemption holds through its last day, UTC. */
const endOf = (endDate: string): string => (/^\d{4}-\d{2}-\d{2}$/.test(endDate) ? `${endDate}T23:59:59Z` : endDate);
