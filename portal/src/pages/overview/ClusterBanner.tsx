import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Link } from "react-router";

import { problemsByCluster, type Overview } from "./data";
import styles from "./overview.module.css";

/** Clusters that may not be enforcing what the hub wants, before anything else. */
export function ClusterBanner({ clusters }: { clusters: Overview["clusters"] }) {
  const found = problemsByCluster(clusters);
  if (found.length === 0) return null;
  return (
    <div className={styles["stack"]}>
      {found.map(([name, problems]) => (
        <MessageBar key={name} intent="warning" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>
              Cluster{" "}
              <Link className={styles["link"]} to={`/clusters/${encodeURIComponent(name)}`}>
                {name}
              </Link>
            </MessageBarTitle>
            {problems.join(" · ")}
          </MessageBarBody>
        </MessageBar>
      ))}
    </div>
  );
}
