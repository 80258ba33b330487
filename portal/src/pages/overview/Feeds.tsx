import { Link } from "react-router";

import { RelativeTime } from "../../components";
import { FeedAge } from "../clusters/FeedAge";
import { Card, Nothing } from "./Card";
import type { Overview } from "./data";
import styles from "./overview.module.css";

const TITLE = "Findings in clusters";

/** How old what clusters know of findings is, the oldest first. */
export function Feeds({ feeds }: { feeds: NonNullable<Overview["feeds"]> }) {
  if (feeds.length === 0) return <Card title={TITLE}>{<Nothing>No agent has been heard of yet.</Nothing>}</Card>;
  return (
    <Card title={TITLE}>
      <table className={styles["table"]}>
        <thead>
          <tr>
            <th scope="col">Cluster</th>
            <th scope="col" className={styles["feedCell"]}>
              Last fed
            </th>
            <th scope="col" className={styles["dateCell"]}>
              Heard of
            </th>
          </tr>
        </thead>
        <tbody>
          {feeds.map(({ cluster, feedAt, lastSeenAt, old = false }) => (
            <tr key={cluster}>
              <td title={cluster}>
                <Link className={styles["link"]} to={`/clusters/${encodeURIComponent(cluster)}`}>
                  {cluster}
                </Link>
              </td>
              <td>
                <FeedAge time={feedAt} old={old} />
              </td>
              <td>
                <RelativeTime time={lastSeenAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
