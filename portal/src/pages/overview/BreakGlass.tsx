import { Link } from "react-router";

import { RelativeTime } from "../../components";
import { formatCount, shortDigest } from "../../lib/format";
import { Card } from "./Card";
import type { Overview } from "./data";
import styles from "./overview.module.css";

/** What people let in by hand, although rules deny it; nothing is shown where nothing is. */
export function BreakGlass({ objects, count }: { objects: NonNullable<Overview["breakGlass"]>; count: number }) {
  if (count === 0) return null;
  return (
    <Card title={`Break-glass in force (${formatCount(count)})`}>
      <table className={styles["table"]}>
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col" className={styles["placeCell"]}>
              Cluster
            </th>
            <th scope="col" className={styles["placeCell"]}>
              Namespace
            </th>
            <th scope="col" className={styles["digestCell"]}>
              Image
            </th>
            <th scope="col" className={styles["dateCell"]}>
              Ends
            </th>
          </tr>
        </thead>
        <tbody>
          {objects.map(({ cluster, object }) => (
            <tr key={`${cluster} ${object.name}`}>
              <td title={`${object.name}: ${object.reason}`}>
                <Link className={styles["link"]} to={`/clusters/${encodeURIComponent(cluster)}`}>
                  {object.reason}
                </Link>
              </td>
              <td title={cluster}>{cluster}</td>
              <td title={object.namespace}>{object.namespace}</td>
              <td title={object.digest} className={styles["mono"]}>
                {shortDigest(object.digest)}
              </td>
              <td>
                <RelativeTime time={object.until} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {count > objects.length ? <p className={styles["nothing"]}>and {formatCount(count - objects.length)} more, on the pages of their clusters</p> : null}
    </Card>
  );
}
